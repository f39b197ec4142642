//! Asking an address for a file, from a place in it on.

use std::io::Read;
use std::time::Duration;

use ureq::{Agent, Proxy};

/// How long to wait for a connection, and for the beginning of an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long all of a file may take. What came until then is kept, and gone on from.
const LONGEST: Duration = Duration::from_secs(3600);

/// What an address gave: the place in the file that it begins at, and the bytes.
pub struct Answer {
    /// 0 if all of the file comes.
    pub from: u64,
    /// The bytes from there on.
    pub bytes: Box<dyn Read>,
}

/// Asks for a file from a place on; redirections are followed as long as they lead to HTTPS.
///
/// # Errors
/// What went wrong, in words.
pub fn over_https(url: &str, from: u64) -> Result<Answer, String> {
    ask(&agent(true, Proxy::try_from_env()), url, from)
}

fn agent(https_only: bool, proxy: Option<Proxy>) -> Agent {
    let config = Agent::config_builder()
        .https_only(https_only)
        .proxy(proxy)
        .timeout_connect(Some(PATIENCE))
        .timeout_recv_response(Some(PATIENCE))
        .timeout_recv_body(Some(LONGEST));
    config.build().into()
}

fn ask(agent: &Agent, url: &str, from: u64) -> Result<Answer, String> {
    let mut request = agent.get(url);
    if from > 0 {
        request = request.header("Range", format!("bytes={from}-"));
    }
    let response = request.call().map_err(|error| error.to_string())?;
    // A server that does not know ranges sends all of the file.
    let from = if response.status().as_u16() == 206 {
        from
    } else {
        0
    };
    Ok(Answer {
        from,
        bytes: Box::new(response.into_body().into_reader()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::FetchError;
    use crate::fetch::download::download;
    use crate::fetch::published::{File, Hash, Kind};
    use std::fs;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::path::Path;

    const ABCDEF: File = File {
        url: "https://example.org/abcdef",
        most_bytes: 6,
        hash: Hash::Sha256("bef57ec7f53a6d40beb640a780a639c83bc29ac8a9816f1fc6c5c6dcd93c4721"),
        kind: Kind::Plain,
    };

    /// A server on this machine that answers each request by its path, in a thread that ends with
    /// the program.
    fn server() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let request = lines.next().unwrap().unwrap();
                let headers: Vec<String> = lines
                    .map(|line| line.unwrap().to_lowercase())
                    .take_while(|line| !line.is_empty())
                    .collect();
                let from = headers
                    .iter()
                    .find_map(|it| it.strip_prefix("range: bytes="));
                let path = request.split(' ').nth(1).unwrap();
                // Whoever asked may have hung up.
                let _ = stream.write_all(answer(path, from).as_bytes());
            }
        });
        address
    }

    fn answer(path: &str, from: Option<&str>) -> String {
        let whole = |body: &str| {
            let length = body.len();
            format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            )
        };
        let to = |path: &str| {
            format!(
                "HTTP/1.1 302 Found\r\nLocation: {path}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            )
        };
        match (path, from) {
            ("/file", _) => whole("abcdef"),
            ("/other", _) => whole("abcdeg"),
            ("/moved", _) => to("/moved-again"),
            ("/moved-again", _) => to("/file"),
            ("/circle", _) => to("/circle"),
            // Promises six bytes and hangs up after three; the rest can be had.
            ("/short", None) => "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nabc".to_owned(),
            ("/short", Some("3-")) => {
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 3-5/6\r\nContent-Length: 3\r\nConnection: close\r\n\r\ndef"
                    .to_owned()
            }
            _ => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
        }
    }

    fn fetched(address: &str, to: &Path) -> Result<(), FetchError> {
        let open = |from| ask(&agent(false, None), address, from);
        download(&ABCDEF, to, &open, &|_, _, _| {})
    }

    #[test]
    fn redirections_are_followed_and_the_file_comes_whole() {
        let (server, folder) = (server(), tempfile::tempdir().unwrap());
        for (path, from) in [("file", 0), ("moved", 0), ("file", 3)] {
            let mut answer = ask(&agent(false, None), &format!("{server}/{path}"), from).unwrap();
            let mut bytes = String::new();
            answer.bytes.read_to_string(&mut bytes).unwrap();
            // A server without ranges sends all of it, whatever is asked for.
            assert_eq!((answer.from, bytes.as_str()), (0, "abcdef"));
        }
        let to = folder.path().join("abcdef");
        fetched(&format!("{server}/moved"), &to).unwrap();
        assert_eq!(fs::read(to).unwrap(), b"abcdef");
    }

    #[test]
    fn a_body_that_ends_too_soon_is_gone_on_with() {
        let (server, folder) = (server(), tempfile::tempdir().unwrap());
        let to = folder.path().join("abcdef");
        let error = fetched(&format!("{server}/short"), &to).unwrap_err();
        assert!(matches!(error, FetchError::Network { .. }), "{error}");
        assert!(!to.exists());
        assert_eq!(fs::read(folder.path().join("abcdef.part")).unwrap(), b"abc");
        fetched(&format!("{server}/short"), &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"abcdef");
    }

    #[test]
    fn what_is_not_the_file_is_no_file() {
        let (server, folder) = (server(), tempfile::tempdir().unwrap());
        let to = folder.path().join("abcdef");
        let error = |path: &str| fetched(&format!("{server}/{path}"), &to).unwrap_err();
        for path in ["missing", "circle"] {
            let error = error(path);
            assert!(matches!(error, FetchError::Network { .. }), "{error}");
        }
        assert!(error("missing").to_string().contains("404"));
        let other = error("other");
        assert!(matches!(other, FetchError::Other { .. }), "{other}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn where_nobody_answers_there_is_no_network() {
        let closed = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let folder = tempfile::tempdir().unwrap();
        let to = folder.path().join("abcdef");
        let error = fetched(&format!("http://{closed}/file"), &to).unwrap_err();
        assert!(error.to_string().contains("without a network"), "{error}");
    }

    #[test]
    fn nothing_comes_unencrypted() {
        let server = server();
        for path in ["file", "moved"] {
            assert!(over_https(&format!("{server}/{path}"), 0).is_err());
        }
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let (server, folder) = (server(), tempfile::tempdir().unwrap());
        fs::write(folder.path().join("plain"), b"").unwrap();
        let error = fetched(
            &format!("{server}/file"),
            &folder.path().join("plain/abcdef"),
        );
        let error = error.unwrap_err();
        assert!(matches!(error, FetchError::System { .. }), "{error}");
        assert!(error.to_string().contains("abcdef.part"), "{error}");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told() {
        let (server, folder) = (server(), tempfile::tempdir().unwrap());
        let part = folder.path().join("abcdef.part");
        std::os::unix::fs::symlink("/dev/full", &part).unwrap();
        let error = fetched(&format!("{server}/file"), &folder.path().join("abcdef"));
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("abcdef.part") && error.contains("space"),
            "{error}"
        );
    }
}
