//! Which images each network can take.

use gifthorse_data::ImageShape;
use gifthorse_train::Error;
use gifthorse_train::net::{
    AlexNet, AnyNet, Cla, DeepId, Nin, PreActResNet18, ResNet18, SmallCnn, Table7, Table8, Vgg16,
    Vit,
};

use crate::learning::tiny;
use crate::shape;

fn refusal(net: &AnyNet, input: ImageShape) -> String {
    let error = net.build(input, 4, 0).unwrap_err();
    assert!(matches!(error, Error::ImageSize { .. }), "{error}");
    error.to_string()
}

#[test]
fn usual_sizes_are_possible_where_the_network_allows() {
    for net in tiny() {
        let possible = [shape(1, 28, 28), shape(3, 32, 32), shape(3, 64, 64)]
            .map(|input| net.build(input, 4, 0).is_ok());
        let expected = match &net {
            // 28 is halved to 14, 7, 3 and 1, and not once more; five convolutions and pools of
            // DeepID need 31.
            AnyNet::Vgg16(_) | AnyNet::DeepId(_) => [false, true, true],
            _ => [true, true, true],
        };
        assert_eq!(possible, expected, "{net:?}");
    }
}

#[test]
fn an_impossible_size_names_those_that_would_do() {
    for (net, input, fits) in [
        (
            AnyNet::Table7(Table7::default()),
            shape(1, 15, 28),
            "1x16x16",
        ),
        (AnyNet::Cla(Cla::default()), shape(1, 8, 8), "1x16x16"),
        (
            AnyNet::Table8(Table8::default()),
            shape(3, 21, 21),
            "3x22x22",
        ),
        (
            AnyNet::DeepId(DeepId::default()),
            shape(1, 28, 28),
            "1x31x31",
        ),
        (AnyNet::Vgg16(Vgg16::default()), shape(1, 28, 28), "1x32x32"),
        (
            AnyNet::AlexNet(AlexNet::default()),
            shape(3, 32, 32),
            "3x63x63",
        ),
        (
            AnyNet::Vit(Vit::default()),
            shape(3, 30, 30),
            "3x28x28 or 3x32x32",
        ),
    ] {
        let text = refusal(&net, input);
        assert!(text.ends_with(&format!("it can take {fits}")), "{text}");
        assert!(text.contains(&input.to_string()), "{text}");
    }
    let text = refusal(&AnyNet::AlexNet(AlexNet::default()), shape(3, 32, 32));
    // 32, 7, 3, 1
    assert!(
        text.contains("1x1 pixels are left for the 3x3 windows of `pool5`"),
        "{text}"
    );
}

#[test]
fn the_smallest_images_that_are_named_are_really_taken() {
    for (net, side) in [
        (AnyNet::Table7(Table7::default()), 16),
        (AnyNet::Table8(Table8::default()), 22),
        (AnyNet::DeepId(DeepId::default()), 31),
        (
            AnyNet::Nin(Nin {
                width: 12,
                ..Nin::default()
            }),
            1,
        ),
        (AnyNet::ResNet18(ResNet18 { width: 2 }), 1),
        (AnyNet::PreActResNet18(PreActResNet18 { width: 2 }), 1),
        (AnyNet::SmallCnn(SmallCnn::default()), 8),
    ] {
        assert!(net.build(shape(3, side, side), 3, 0).is_ok(), "{net:?}");
    }
}

#[test]
fn numbers_that_make_no_network_are_refused_whatever_the_images() {
    for net in [
        AnyNet::Table7(Table7 {
            hidden: 0,
            ..Table7::default()
        }),
        AnyNet::Table8(Table8 {
            dropout: 1.0,
            ..Table8::default()
        }),
        AnyNet::Nin(Nin {
            width: 10,
            ..Nin::default()
        }),
        AnyNet::ResNet18(ResNet18 { width: 0 }),
        AnyNet::AlexNet(AlexNet {
            stride: 0,
            ..AlexNet::default()
        }),
        AnyNet::Vit(Vit {
            heads: 5,
            ..Vit::default()
        }),
        AnyNet::Vit(Vit {
            patch: 0,
            ..Vit::default()
        }),
        AnyNet::Vgg16(Vgg16 {
            hidden: 1 << 40,
            ..Vgg16::default()
        }),
    ] {
        let error = net.build(shape(3, 64, 64), 4, 0).unwrap_err();
        assert!(matches!(error, Error::Net(_)), "{net:?}: {error}");
    }
}
