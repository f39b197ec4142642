//! The files of `hostile/` at the root of the repository: each ends as its README's tables say,
//! soon, in bounded memory and with a message that names the file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use crate::bench::{Bench, Kind};

/// Only what hangs takes this long, on however busy a machine.
const HANGS: Duration = Duration::from_secs(400);
/// Address space that the program may take, in KiB.
const MEMORY: u64 = 4 << 20;

/// A row of a table: a file and what must happen.
struct Case {
    file: String,
    /// Exit status of `inspect`; none where the file is no model.
    inspect: Option<i32>,
    /// The command that reads the file, in place of `inspect` and `scan`.
    command: String,
    /// Exit status of `scan`, or of the command.
    scan: i32,
    /// Words of the scan's message or report.
    says: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hostile")
}

/// The rows whose file is in this folder.
fn cases(part: &str) -> Vec<Case> {
    let readme = fs::read_to_string(folder().join("README.md")).unwrap();
    let rows = readme.lines().filter_map(|line| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [file, _, inspect, scan, says] = cells[..] else {
            return None;
        };
        let file = file.trim_matches('`').strip_prefix(part)?;
        Some(Case {
            file: file.to_owned(),
            inspect: inspect.parse().ok(),
            command: inspect.trim_matches('`').to_owned(),
            scan: scan.parse().unwrap(),
            says: says.trim_matches('`').to_owned(),
        })
    });
    rows.collect()
}

/// Runs the program within its memory and its time.
fn run(bench: &Bench, arguments: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_gifthorse");
    let mut command = if cfg!(target_os = "linux") {
        let mut shell = Command::new("sh");
        let limited = format!("ulimit -c 0; ulimit -v {MEMORY}; exec \"$0\" \"$@\"");
        shell.args(["-c", &limited, program]);
        shell
    } else {
        Command::new(program)
    };
    command.current_dir(bench.path("")).args(arguments);
    let out = bench.path("said");
    let file = |ending: &str| fs::File::create(out.with_extension(ending)).unwrap();
    command.stdout(file("out")).stderr(file("err"));
    let mut child = command.stdin(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if start.elapsed() > HANGS {
            child.kill().unwrap();
            panic!("{arguments:?} hangs");
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    let read = |ending: &str| fs::read(out.with_extension(ending)).unwrap();
    Output {
        status,
        stdout: read("out"),
        stderr: read("err"),
    }
}

/// Checks how a run ended and what it said. An error's first line names `file`.
fn check(arguments: &[&str], output: &Output, status: i32, file: &str) -> Result<String, String> {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    let said = format!("{out}{err}");
    let wrong = |what: &str| Err(format!("{arguments:?}: {what}\n{said}"));
    if output.status.code() != Some(status) {
        return wrong(&format!("{} instead of {status}", output.status));
    }
    if said.contains("panicked") || said.contains("backtrace") || said.contains("internal error") {
        return wrong("a mistake of the program");
    }
    if said.chars().any(|c| c.is_control() && c != '\n') {
        return wrong("control characters");
    }
    let first = err.lines().find(|line| line.starts_with("error: "));
    if status == 2 && !first.is_some_and(|line| line.contains(file)) {
        return wrong("no line that names the file");
    }
    if status == 2 && (err.lines().count() > 12 || said.len() > 20_000) {
        return wrong("too many words");
    }
    Ok(said)
}

/// As [`check`]; what was said has to have the words of the table.
fn check_said(arguments: &[&str], output: &Output, case: &Case) -> Result<(), String> {
    let said = check(arguments, output, case.scan, &case.file)?;
    let told = said.contains(&case.says);
    told.then_some(())
        .ok_or_else(|| format!("{} does not say {:?}\n{said}", case.file, case.says))
}

fn bench() -> Bench {
    let bench = Bench::new();
    bench.images("images", 1, |_| String::new());
    bench.model("good.onnx", Kind::Clean);
    bench
}

#[test]
fn hostile_models_end_as_they_must() {
    let bench = bench();
    let mut wrong = Vec::new();
    for case in cases("models/") {
        let path = folder().join("models").join(&case.file);
        let path = path.to_str().unwrap();
        let arguments = ["inspect", path];
        let inspected = run(&bench, &arguments);
        let inspected = check(&arguments, &inspected, case.inspect.unwrap(), &case.file);
        let arguments = [
            "scan",
            path,
            "--images",
            "images",
            "--max-time",
            "0s",
            "--out",
            "out",
        ];
        let scanned = run(&bench, &arguments);
        let scanned = check_said(&arguments, &scanned, &case);
        wrong.extend(inspected.err().into_iter().chain(scanned.err()));
        if case.scan == 3 {
            let page = fs::read_to_string(bench.path("out/report.html")).unwrap();
            assert!(
                !page.contains("<script>alert") && !page.contains('\u{1b}'),
                "{}",
                case.file
            );
            assert!(!page.contains("<img src=x"), "{}", case.file);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_hostile_model_is_the_same_as_itself_or_refused() {
    let bench = bench();
    let mut wrong = Vec::new();
    for case in cases("models/") {
        let path = folder().join("models").join(&case.file);
        let arguments = ["compare", path.to_str().unwrap(), path.to_str().unwrap()];
        let compared = run(&bench, &arguments);
        let status = match compared.status.code() {
            Some(0) => 0,
            _ => 2,
        };
        wrong.extend(check(&arguments, &compared, status, &case.file).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn hostile_images_end_as_they_must() {
    let bench = bench();
    let mut wrong = Vec::new();
    for case in cases("images/") {
        let path = folder().join("images").join(&case.file);
        let path = path.to_str().unwrap();
        let arguments = ["scan", "good.onnx", "--images", path, "--max-time", "0s"];
        let scanned = run(&bench, &arguments);
        wrong.extend(check_said(&arguments, &scanned, &case).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn other_hostile_files_end_as_they_must() {
    let bench = bench();
    let mut wrong = Vec::new();
    for case in cases("others/") {
        let path = folder().join("others").join(&case.file);
        let path = path.to_str().unwrap();
        let words = case.command.split_whitespace();
        let arguments: Vec<&str> = words
            .map(|word| if word == "{}" { path } else { word })
            .collect();
        let ended = run(&bench, &arguments);
        wrong.extend(check_said(&arguments, &ended, &case).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_hostile_file_is_in_the_tables() {
    for (part, beside) in [
        ("models", &["beside.bin", "link.bin"][..]),
        ("images", &[]),
        ("others", &[]),
    ] {
        let told: BTreeSet<String> = cases(&format!("{part}/"))
            .into_iter()
            .map(|case| case.file)
            .collect();
        let entries = fs::read_dir(folder().join(part)).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let there: BTreeSet<String> = names
            .filter(|name| !beside.contains(&name.as_str()))
            .collect();
        assert_eq!(told, there);
    }
}
