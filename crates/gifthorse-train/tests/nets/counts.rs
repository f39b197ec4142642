//! How many weights each network has, layer by layer as in its paper, and the shapes in between.

use gifthorse_data::ImageShape;
use gifthorse_train::net::{
    AlexNet, Architecture, Cla, DeepId, Layers, Nin, PreActResNet18, ResNet18, SmallCnn, Table7,
    Table8, Vgg16, Vit,
};

use crate::shape;

fn outline(net: &dyn Architecture, input: ImageShape, classes: usize) -> Layers {
    let mut layers = Layers::outline(input);
    net.lay(&mut layers, classes).unwrap();
    assert_eq!((layers.flaw(), layers.misfit()), (None, None));
    assert_eq!(layers.shape(), [classes]);
    layers
}

/// Shapes of what the named nodes give.
fn shapes<const N: usize>(layers: &Layers, names: [&str; N]) -> [Vec<usize>; N] {
    names.map(|name| {
        let found = layers.trace().iter().find(|(node, _)| node == name);
        assert!(found.is_some(), "no node {name}");
        found.unwrap().1.clone()
    })
}

/// Weights and bias of a convolution, or with a kernel of 1 of a fully connected layer.
fn layer(inputs: usize, outputs: usize, kernel: usize) -> usize {
    inputs * outputs * kernel * kernel + outputs
}

#[test]
fn table_seven() {
    let layers = outline(&Table7::default(), shape(1, 28, 28), 10);
    // 416 + 12,832 + 262,656 + 5,130
    let expected = layer(1, 16, 5) + layer(16, 32, 5) + layer(512, 512, 1) + layer(512, 10, 1);
    assert_eq!(expected, 281_034);
    assert_eq!(layers.count(), expected);
    let found = shapes(&layers, ["conv1", "pool1", "conv2", "pool2", "fc1"]);
    let expected: [&[usize]; 5] = [
        &[16, 24, 24],
        &[16, 12, 12],
        &[32, 8, 8],
        &[32, 4, 4],
        &[512],
    ];
    assert_eq!(found, expected);
}

#[test]
fn table_five_of_the_clean_label_attack() {
    let layers = outline(&Cla::default(), shape(1, 28, 28), 10);
    // 416 + 1,604 + 33,280 + 5,130: the second pool leaves 4 x 4 x 4 values.
    assert_eq!(layers.count(), 416 + 1_604 + 33_280 + 5_130);
    assert_eq!(shapes(&layers, ["pool2"]), [[4, 4, 4]]);
}

#[test]
fn table_eight() {
    let layers = outline(&Table8::default(), shape(3, 32, 32), 43);
    // 896 + 9,248 + 18,496 + 36,928 + 73,856 + 147,584 + 262,656 + 22,059
    let convolutions = layer(3, 32, 3) + layer(32, 32, 3) + layer(32, 64, 3) + layer(64, 64, 3);
    let convolutions = convolutions + layer(64, 128, 3) + layer(128, 128, 3);
    let expected = convolutions + layer(512, 512, 1) + layer(512, 43, 1);
    assert_eq!(expected, 571_723);
    assert_eq!(layers.count(), expected);
    // 32, 30, 15, 13, 6, 4, 2
    let names = [
        "conv1a", "conv1b", "pool1", "conv2a", "conv2b", "pool2", "conv3b", "pool3",
    ];
    let sides = [32, 30, 15, 15, 13, 6, 4, 2];
    let found = shapes(&layers, names).map(|shape| shape[1]);
    assert_eq!(found, sides);
}

#[test]
fn table_nine() {
    let layers = outline(&DeepId::default(), shape(3, 55, 47), 1283);
    // 980 + 7,240 + 21,660 + 192,160 + 19,280 + 153,760 + 206,563
    let convolutions = layer(3, 20, 4) + layer(20, 40, 3) + layer(40, 60, 3) + layer(60, 80, 2);
    let features = layer(60 * 5 * 4, 160, 1) + layer(80 * 4 * 3, 160, 1);
    let expected = convolutions + features + layer(160, 1283, 1);
    assert_eq!(expected, 601_643);
    assert_eq!(layers.count(), expected);
    let found = shapes(&layers, ["conv1", "pool2", "pool3", "conv4", "add1"]);
    let expected: [&[usize]; 5] = [
        &[20, 52, 44],
        &[40, 12, 10],
        &[60, 5, 4],
        &[80, 4, 3],
        &[160],
    ];
    assert_eq!(found, expected);
}

#[test]
fn table_ten() {
    let layers = outline(&Vgg16::default(), shape(3, 224, 224), 65);
    // 1,792 + 36,928 | 73,856 + 147,584 | 295,168 + 2 x 590,080 | 1,180,160 + 2 x 2,359,808 | 3 x
    // 2,359,808
    let convolutions = 38_720 + 221_440 + 1_475_328 + 5_899_776 + 7_079_424;
    assert_eq!(convolutions, 14_714_688);
    // 25,088 x 4,096 + 4,096, then 4,096 x 4,096 + 4,096, then 4,096 x 65 + 65
    let expected = convolutions + 102_764_544 + 16_781_312 + 266_305;
    assert_eq!(layers.count(), expected);
    let found = shapes(&layers, ["pool1", "pool3", "conv5_3", "pool5"]);
    assert_eq!(
        found,
        [[64, 112, 112], [256, 28, 28], [512, 14, 14], [512, 7, 7]]
    );
}

#[test]
fn network_in_network() {
    let layers = outline(&Nin::default(), shape(3, 32, 32), 10);
    // 14,592 + 30,880 + 15,456 | 460,992 + 2 x 37,056 | 331,968 + 37,056 + 1,930
    assert_eq!(layers.count(), 60_928 + 535_104 + 370_954);
    let found = shapes(&layers, ["conv1_3", "pool1", "pool2", "conv3_3"]);
    assert_eq!(found, [[96, 32, 32], [96, 16, 16], [192, 8, 8], [10, 8, 8]]);
}

/// A convolution without bias and the scale and bias of its normalisation.
fn normalised(inputs: usize, outputs: usize, kernel: usize) -> usize {
    inputs * outputs * kernel * kernel + 2 * outputs
}

#[test]
fn residual_network() {
    let layers = outline(&ResNet18::default(), shape(3, 32, 32), 10);
    let mut expected = normalised(3, 64, 3) + 4 * normalised(64, 64, 3);
    for width in [64, 128, 256] {
        let twice = 2 * width;
        expected += normalised(width, twice, 3) + 3 * normalised(twice, twice, 3);
        expected += normalised(width, twice, 1);
    }
    expected += layer(512, 10, 1);
    assert_eq!(expected, 11_173_962);
    assert_eq!(layers.count(), expected);
    let found = shapes(
        &layers,
        ["conv1", "block1_2.add", "block2_1.add", "block4_2.add"],
    );
    assert_eq!(
        found,
        [[64, 32, 32], [64, 32, 32], [128, 16, 16], [512, 4, 4]]
    );
}

#[test]
fn residual_network_that_normalises_first() {
    let layers = outline(&PreActResNet18::default(), shape(3, 32, 32), 10);
    // Fewer than the other: no normalisation after the first convolution (128), none in shortcuts
    // (256 + 512 + 1,024), and the first of a stage is of what comes in, half as wide (128 + 256 +
    // 512).
    assert_eq!(layers.count(), 11_173_962 - 128 - 1_792 - 896);
    let found = shapes(&layers, ["block2_1.shortcut", "block4_2.add"]);
    assert_eq!(found, [[128, 16, 16], [512, 4, 4]]);
}

#[test]
fn alexnet() {
    let layers = outline(&AlexNet::default(), shape(3, 224, 224), 1000);
    // 23,296 + 307,392 + 663,936 + 884,992 + 590,080 | 37,752,832 + 16,781,312 + 4,097,000
    assert_eq!(layers.count(), 2_469_696 + 58_631_144);
    let found = shapes(&layers, ["conv1", "pool1", "pool2", "pool5", "fc7.relu"]);
    let expected: [&[usize]; 5] = [
        &[64, 55, 55],
        &[64, 27, 27],
        &[192, 13, 13],
        &[256, 6, 6],
        &[4096],
    ];
    assert_eq!(found, expected);
}

#[test]
fn vision_transformer() {
    let layers = outline(&Vit::default(), shape(3, 32, 32), 10);
    // Patches and the positions of 8 x 8 tokens; in each block two norms, four matrices of
    // attention and two others; a norm and the last layer.
    let block = 2 * 128 + 4 * layer(64, 64, 1) + layer(64, 128, 1) + layer(128, 64, 1);
    let expected = layer(3, 64, 4) + 64 * 64 + 4 * block + 128 + layer(64, 10, 1);
    assert_eq!(expected, 141_898);
    assert_eq!(layers.count(), expected);
    let names = ["patches", "block1.attention.scores", "block4.add2", "mean"];
    let expected: [&[usize]; 4] = [&[64, 8, 8], &[4, 64, 64], &[64, 64], &[64]];
    assert_eq!(shapes(&layers, names), expected);
}

#[test]
fn small_network() {
    let layers = outline(&SmallCnn::default(), shape(3, 32, 32), 12);
    let convolutions = layer(3, 16, 3) + layer(16, 32, 3) + layer(32, 64, 3);
    assert_eq!(
        layers.count(),
        convolutions + layer(1024, 128, 1) + layer(128, 12, 1)
    );
}

/// What is counted is what is built.
#[test]
fn the_file_has_as_many_weights_as_were_counted() {
    let input = shape(3, 32, 32);
    for net in crate::learning::tiny() {
        let architecture = net.architecture();
        let mut layers = Layers::outline(input);
        architecture.lay(&mut layers, 5).unwrap();
        if layers.misfit().is_some() {
            continue;
        }
        let built = net.build(input, 5, 1).unwrap();
        let graph = built.model().graph().unwrap();
        let sizes = built
            .weights()
            .iter()
            .map(|name| graph.initializers[name].len());
        assert_eq!(sizes.sum::<usize>(), layers.count(), "{net:?}");
        assert_eq!((built.input(), built.classes()), (input, 5));
    }
}
