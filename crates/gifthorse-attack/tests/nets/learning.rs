//! Whether each network learns.

use gifthorse_attack::net::{
    AlexNet, AnyNet, Cla, DeepId, Nin, PreActResNet18, ResNet18, SmallCnn, Table7, Table8, Vgg16,
    Vit,
};
use gifthorse_attack::train::{Recipe, Silent, train};
use gifthorse_data::{ImageShape, Images};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

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

/// Noise with a soft spot in one of four quadrants, which is the class.
fn blobs(shape: ImageShape, count: usize) -> Images {
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let labels: Vec<usize> = (0..count).map(|i| i % 4).collect();
    let mut pixels = Vec::new();
    let half = shape.height as f32 / 2.0;
    for &label in &labels {
        let mut centre = |side: usize| half * (side as f32 + rng.random_range(0.3..0.7));
        let (row, column) = (centre(label / 2), centre(label % 2));
        for i in 0..shape.values() {
            let (y, x) = (i / shape.width % shape.height, i % shape.width);
            let distance = (y as f32 - row).powi(2) + (x as f32 - column).powi(2);
            let spot = 0.6 * (-6.0 * distance / (half * half)).exp();
            pixels.push(spot + rng.random_range(0.0..0.3));
        }
    }
    let names = (0..count).map(|i| i.to_string()).collect();
    Images::new(shape, pixels, Some(labels), Vec::new(), names).unwrap()
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
        println!("{net:?}: {losses:.2?}");
        assert!(losses[7] < 0.7 * losses[0], "{net:?}: {losses:?}");
    }
}
