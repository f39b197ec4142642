//! Any of the networks, as plain data.

use gifthorse_data::ImageShape;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::net::{
    AlexNet, Architecture, Cla, DeepId, Net, Nin, PreActResNet18, ResNet18, SmallCnn, Table7,
    Table8, Vgg16, Vit,
};

/// Any of the networks, as plain data that can be written down: a table whose `kind` names the
/// network, with that network's own entries, all of which have defaults. Shape of the images and
/// number of classes come from the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum AnyNet {
    /// A narrow network for small images, trained in seconds.
    SmallCnn(SmallCnn),
    /// The network for MNIST of Wang et al. 2019, table VII.
    #[serde(rename = "table7")]
    Table7(Table7),
    /// The network for GTSRB of Wang et al. 2019, table VIII.
    #[serde(rename = "table8")]
    Table8(Table8),
    /// DeepID for faces: Wang et al. 2019, table IX.
    #[serde(rename = "deep_id")]
    DeepId(DeepId),
    /// VGG-16: Wang et al. 2019, table X.
    #[serde(rename = "vgg16")]
    Vgg16(Vgg16),
    /// The network of the clean-label attack: Veldanda and Garg 2020, table 5.
    #[serde(rename = "cla")]
    Cla(Cla),
    /// Network in network.
    #[serde(rename = "nin")]
    Nin(Nin),
    /// ResNet-18 for small images.
    #[serde(rename = "resnet18")]
    ResNet18(ResNet18),
    /// ResNet-18 that normalises before it convolves.
    #[serde(rename = "preact_resnet18")]
    PreActResNet18(PreActResNet18),
    /// AlexNet.
    #[serde(rename = "alexnet")]
    AlexNet(AlexNet),
    /// A small vision transformer.
    #[serde(rename = "vit")]
    Vit(Vit),
}

impl AnyNet {
    /// The network with random weights, which the seed settles.
    ///
    /// # Errors
    /// [`Error::Net`] for numbers that make no network; [`Error::ImageSize`] for images that it
    /// cannot take.
    pub fn build(&self, input: ImageShape, classes: usize, seed: u64) -> Result<Net, Error> {
        self.architecture().build(input, classes, seed)
    }

    /// The network that it is.
    #[must_use]
    pub fn architecture(&self) -> &dyn Architecture {
        match self {
            Self::SmallCnn(net) => net,
            Self::Table7(net) => net,
            Self::Table8(net) => net,
            Self::DeepId(net) => net,
            Self::Vgg16(net) => net,
            Self::Cla(net) => net,
            Self::Nin(net) => net,
            Self::ResNet18(net) => net,
            Self::PreActResNet18(net) => net,
            Self::AlexNet(net) => net,
            Self::Vit(net) => net,
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
