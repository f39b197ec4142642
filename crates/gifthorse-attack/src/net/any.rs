//! Any of the networks, as plain data.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{Architecture, Net, SmallCnn};

/// Any of the networks, as plain data that can be written down: a table whose `kind` names the network, with that
/// network's own entries, all of which have defaults. Shape of the images and number of classes come from the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnyNet {
    /// A narrow network for small images, trained in seconds.
    SmallCnn(SmallCnn),
}

impl AnyNet {
    /// The network with random weights, which the seed settles.
    ///
    /// # Errors
    /// [`Error::Net`] for numbers that make no network; [`Error::ImageSize`] for images that it cannot take.
    pub fn build(&self, input: ImageShape, classes: usize, seed: u64) -> Result<Net, Error> {
        self.architecture().build(input, classes, seed)
    }

    /// The network that it is.
    #[must_use]
    pub fn architecture(&self) -> &dyn Architecture {
        match self {
            Self::SmallCnn(net) => net,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_a_table_with_a_kind() {
        let text = r#"{ "kind": "small_cnn", "channels": [4, 8], "hidden": 16 }"#;
        let net: AnyNet = serde_json::from_str(text).unwrap();
        let expected = SmallCnn {
            channels: vec![4, 8],
            hidden: 16,
        };
        assert_eq!(net, AnyNet::SmallCnn(expected));
        let written = serde_json::to_string(&net).unwrap();
        assert_eq!(serde_json::from_str::<AnyNet>(&written).unwrap(), net);
        let brief: AnyNet = serde_json::from_str(r#"{ "kind": "small_cnn" }"#).unwrap();
        assert_eq!(brief, AnyNet::SmallCnn(SmallCnn::default()));
        for wrong in [
            r#"{ "kind": "small_cnn", "width": 3 }"#,
            r#"{ "kind": "lenet" }"#,
            r#"{ "channels": [4] }"#,
        ] {
            assert!(serde_json::from_str::<AnyNet>(wrong).is_err(), "{wrong}");
        }
    }
}
