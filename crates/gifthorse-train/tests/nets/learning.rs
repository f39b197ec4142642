//! Whether each network learns.

use gifthorse_train::net::{
    AlexNet, AnyNet, Cla, DeepId, Nin, PreActResNet18, ResNet18, SmallCnn, Table7, Table8, Vgg16,
    Vit,
};
use gifthorse_train::{Recipe, Silent, train};

use crate::blobs::blobs;
use crate::shape;

/// Every network, so narrow that it is trained in a second.
pub fn tiny() -> Vec<AnyNet> {
    vec![
        AnyNet::SmallCnn(SmallCnn {
            channels: vec![4, 8],
            hidden: 16,
        }),
        AnyNet::Table7(Table7 {
            channels: [4, 8],
            hidden: 16,
        }),
        AnyNet::Cla(Cla {
            channels: [8, 4],
            hidden: 16,
        }),
        AnyNet::Table8(Table8 {
            channels: [4, 6, 8],
            hidden: 24,
            dropout: 0.1,
            hidden_dropout: 0.2,
        }),
        AnyNet::DeepId(DeepId {
            channels: [4, 6, 8, 8],
            features: 16,
        }),
        AnyNet::Vgg16(Vgg16 {
            width: 4,
            hidden: 16,
            dropout: 0.1,
        }),
        AnyNet::Nin(Nin {
            width: 12,
            dropout: 0.1,
        }),
        AnyNet::ResNet18(ResNet18 { width: 4 }),
        AnyNet::PreActResNet18(PreActResNet18 { width: 4 }),
        AnyNet::AlexNet(AlexNet {
            width: 4,
            hidden: 16,
            stride: 1,
            dropout: 0.1,
        }),
        AnyNet::Vit(Vit {
            patch: 4,
            width: 16,
            depth: 2,
            heads: 2,
            hidden: 32,
        }),
    ]
}

#[test]
fn every_network_learns_where_a_spot_is() {
    for net in tiny() {
        let needs_colour = matches!(
            net,
            AnyNet::Vgg16(_) | AnyNet::DeepId(_) | AnyNet::AlexNet(_) | AnyNet::Table8(_)
        );
        let input = if needs_colour {
            shape(3, 32, 32)
        } else {
            shape(1, 16, 16)
        };
        let images = blobs(input, 160);
        let recipe = Recipe {
            epochs: 8,
            batch: 16,
            learning_rate: 0.005,
            ..Recipe::default()
        };
        let trained = train(&net.build(input, 4, 1).unwrap(), &images, &recipe, &Silent).unwrap();
        let losses: Vec<f64> = trained.epochs.iter().map(|epoch| epoch.loss).collect();
        assert!(losses[7] < 0.7 * losses[0], "{net:?}: {losses:?}");
    }
}
