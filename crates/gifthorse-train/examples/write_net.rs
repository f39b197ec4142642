//! Writes a network with random weights as ONNX.
//!
//! `cargo run --release -p gifthorse-train --example write_net -- '{"kind": "table8"}' CHANNELS HEIGHT WIDTH CLASSES SEED FILE`

use std::path::Path;

use gifthorse_data::ImageShape;
use gifthorse_train::net::AnyNet;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given: Vec<String> = std::env::args().skip(1).collect();
    let [net, channels, height, width, classes, seed, file] = given.as_slice() else {
        return Err("seven arguments: NET CHANNELS HEIGHT WIDTH CLASSES SEED FILE".into());
    };
    let net: AnyNet = serde_json::from_str(net)?;
    let input = ImageShape {
        channels: channels.parse()?,
        height: height.parse()?,
        width: width.parse()?,
    };
    let net = net.build(input, classes.parse()?, seed.parse()?)?;
    net.model().write(Path::new(file))?;
    Ok(())
}
