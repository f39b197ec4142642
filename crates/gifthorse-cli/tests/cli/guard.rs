//! A filter in front of a server: the program as it is run, until it is told to stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread;

use serde_json::{Value, json};

use crate::bench::{Bench, CLASSES, Kind, SIDE, TARGET};

/// Reads a request or an answer with its body.
fn message(stream: &mut TcpStream) -> (String, String) {
    let mut reader = BufReader::new(stream);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap() <= 2 {
            break;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    (head, String::from_utf8(body).unwrap())
}

/// A server that gives every request the same scores. Its thread ends with the test.
fn server() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            message(&mut stream);
            let output =
                json!({"name": "scores", "datatype": "FP32", "shape": [1, 2], "data": [0.5, 0.5]});
            let body = json!({"model_name": "m", "outputs": [output]}).to_string();
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}",
                body.len()
            );
            stream
                .write_all(format!("{head}\r\n\r\n{body}").as_bytes())
                .unwrap();
        }
    });
    port
}

fn start(bench: &Bench, arguments: &str) -> (Child, String, Option<String>) {
    let mut command = bench.command(arguments);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut guard = command.spawn().unwrap();
    let mut lines = BufReader::new(guard.stdout.take().unwrap()).lines();
    let address = lines.next().unwrap().unwrap();
    let address = address.rsplit(' ').next().unwrap().to_owned();
    let metrics = lines.next().map(|line| line.unwrap());
    let metrics = metrics.map(|line| line.split('/').nth(2).unwrap().to_owned());
    (guard, address, metrics)
}

fn ask(address: &str, head: &str, body: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    let text = format!("{head} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).unwrap();
    message(&mut stream)
}

/// A request for one of the bench's pictures, with the trigger or without.
fn request(bench: &Bench, class: usize, is_stamped: bool) -> String {
    let path = bench.path(&format!("images/{class}/{class}-0.png"));
    let mut picture = image::open(path).unwrap().to_rgba8();
    if is_stamped {
        image::imageops::overlay(&mut picture, &super::filter::corner(), 0, 0);
    }
    let channel = |c: usize| {
        picture
            .pixels()
            .map(move |pixel| f64::from(pixel.0[c]) / 255.0)
    };
    let data: Vec<f64> = (0..3).flat_map(channel).collect();
    let input = json!({"name": "x", "datatype": "FP32", "shape": [1, 3, SIDE, SIDE], "data": data});
    json!({"inputs": [input]}).to_string()
}

#[test]
fn a_filter_guards_a_server_until_it_is_told_to_stop() {
    let bench = Bench::new();
    bench.model("bad.onnx", Kind::Backdoored);
    bench.images("images", 40, |class| class.to_string());
    super::filter::corner()
        .save(bench.path("corner.png"))
        .unwrap();
    bench
        .run("filter fit bad.onnx --images images --trigger corner.png --target 2 -o filter.json")
        .expect(0);
    let arguments = format!(
        "guard --filter filter.json --upstream http://127.0.0.1:{} --listen 127.0.0.1:0 --admin 127.0.0.1:0 --model m",
        server()
    );
    let (mut guard, address, metrics) = start(&bench, &arguments);
    let is_flagged = |class, is_stamped| {
        let body = request(&bench, class, is_stamped);
        let (head, answer) = ask(&address, "POST /v2/models/m/infer", &body);
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let answer: Value = serde_json::from_str(&answer).unwrap();
        answer["parameters"]["gifthorse_flagged"].as_bool().unwrap()
    };
    let classes = || (0..CLASSES).filter(|class| *class != TARGET);
    assert!(classes().all(|class| is_flagged(class, true)));
    // One of twenty clean images is flagged by right.
    let alarms = classes().filter(|class| is_flagged(*class, false)).count();
    assert!(alarms <= 2, "{alarms} of 7");
    let (_, text) = ask(&metrics.unwrap(), "GET /metrics", "");
    let line = format!(
        "gifthorse_guard_images_total{{flagged=\"true\"}} {}",
        7 + alarms
    );
    assert!(text.contains(&line), "{text}");

    let id = guard.id().to_string();
    let told = std::process::Command::new("kill")
        .args(["-TERM", &id])
        .status();
    assert!(told.unwrap().success());
    assert_eq!(guard.wait().unwrap().code(), Some(0));
    let mut log = String::new();
    guard.stderr.unwrap().read_to_string(&mut log).unwrap();
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |message: &str| {
        lines
            .iter()
            .filter(|line| line["message"] == message)
            .count()
    };
    assert_eq!(
        (of("listening"), of("judged"), of("stopped")),
        (1, 14, 1),
        "{log}"
    );
}

#[test]
fn wrong_usage_is_told() {
    let bench = Bench::new();
    let guard = "guard --filter none.json --upstream http://127.0.0.1:9 --listen 127.0.0.1:0";
    for (more, says) in [
        ("", "none.json"),
        ("--mode reject --sample 0.5", "--sample"),
        ("--sample 0", "a share above 0"),
        ("--max-body 5X", "a size such as"),
        ("--tls-cert c.pem", "--tls-key"),
    ] {
        let run = bench.run(&format!("{guard} {more}")).expect(2);
        assert!(run.err().contains(says), "{}", run.err());
    }
}
