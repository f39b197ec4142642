//! `gifthorse trigger` draws triggers.

use crate::bench::Bench;

/// Red, green and blue of a pixel of a file.
fn pixel(bench: &Bench, file: &str, column: u32, row: u32) -> [u8; 3] {
    image::open(bench.path(file))
        .unwrap()
        .to_rgb8()
        .get_pixel(column, row)
        .0
}

#[test]
fn a_trigger_is_drawn_on_grey_or_on_a_picture() {
    let bench = Bench::new();
    let run = bench
        .run("trigger square --set colour=[1.0,0.0,0.0] --set size=5 -o grey.png")
        .expect(0);
    let printed: toml::Table = toml::from_str(&run.out()).unwrap();
    assert_eq!(printed["kind"].as_str(), Some("square"));
    assert_eq!(printed["size"].as_integer(), Some(5));
    let drawn = image::open(bench.path("grey.png")).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (32, 32));
    assert_eq!(pixel(&bench, "grey.png", 26, 26), [255, 0, 0]);
    assert_eq!(pixel(&bench, "grey.png", 25, 26), [128; 3]);

    image::RgbImage::from_pixel(20, 10, image::Rgb([10, 20, 30]))
        .save(bench.path("plain.png"))
        .unwrap();
    bench
        .run("trigger chessboard --image plain.png --enlarge 2 -o chess.png")
        .expect(0);
    let drawn = image::open(bench.path("chess.png")).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (40, 20));
    assert_eq!(pixel(&bench, "chess.png", 1, 1), [12, 22, 32]);
    assert_eq!(pixel(&bench, "chess.png", 2, 1), [10, 20, 30]);

    bench.write(
        "own.toml",
        b"kind = 'pattern'\nrows = ['1-', '-0']\nplace = 'centre'\n",
    );
    bench
        .run("trigger --toml own.toml --grey --size 2x2 -o own.png")
        .expect(0);
    let row = [0, 1].map(|column| pixel(&bench, "own.png", column, 0)[0]);
    assert_eq!((row, pixel(&bench, "own.png", 1, 1)), ([255, 128], [0; 3]));
}

#[test]
fn all_triggers_are_listed_and_what_is_printed_draws_the_same() {
    let bench = Bench::new();
    let list = bench.run("trigger --list").expect(0).out();
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(names.len() > 20 && names.contains(&"wanet") && names.contains(&"sunglasses"));
    for name in names.iter().filter(|name| **name != "picture") {
        let settings = bench
            .run(&format!("trigger {name} -o first.png"))
            .expect(0)
            .out();
        bench.write("again.toml", settings.as_bytes());
        bench
            .run("trigger --toml again.toml -o again.png")
            .expect(0);
        let bytes = |file| std::fs::read(bench.path(file)).unwrap();
        assert!(bytes("first.png") == bytes("again.png"), "{name}");
    }
}

#[test]
fn triggers_that_cannot_be_drawn_are_named() {
    let bench = Bench::new();
    bench.write("wrong.toml", b"kind = 'square'\ncolr = [1.0]\n");
    let run = |arguments: &str| bench.run(arguments).expect(2);
    run("trigger").says(&["--list"]);
    run("trigger nothing").says(&["nothing", "--list"]);
    run("trigger square --set colr=3").says(&["square", "colr", "colour"]);
    run("trigger square --set size").says(&["KEY=VALUE"]);
    run("trigger --toml wrong.toml").says(&["wrong.toml", "colr"]);
    run("trigger --toml missing.toml").says(&["missing.toml"]);
    run("trigger square --set size=33 -o x.png").says(&["square", "33x33", "32x32"]);
    run("trigger gotham --grey -o x.png").says(&["gotham", "colour images"]);
    run("trigger picture -o x.png").says(&["picture.png"]);
    run("trigger square --image missing.png -o x.png").says(&["missing.png", "--image"]);
    run("trigger square --size 60000x60000 -o x.png").says(&["--size"]);
    run("trigger square --enlarge 100000 -o x.png").says(&["--enlarge"]);
    run("trigger square -o nowhere/x.png").says(&["nowhere"]);
}
