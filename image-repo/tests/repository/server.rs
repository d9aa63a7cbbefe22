//! The server as clients and caches see it.

mod gzip;
mod operations;
mod started;
mod tls;

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use host::fetch::{Fetcher, Resume, Sink};
use uptane::{Length, Sha256};

use crate::place::{Place, Server};

/// Head and body of the answer to one request.
fn ask(server: &Server, method: &str, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(&server.address).unwrap();
    write!(stream, "{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let body = answer.split_off(end + 4);
    (String::from_utf8(answer).unwrap().to_ascii_lowercase(), body)
}

fn image_path() -> String {
    format!("/targets/brake/{}.fw-1.bin", Sha256::of(b"first firmware"))
}

fn header(head: &str, name: &str) -> String {
    let line = head.lines().find_map(|line| line.strip_prefix(&format!("{name}: ")));
    line.unwrap_or_else(|| panic!("no {name} in {head}")).to_owned()
}

#[test]
fn published_files_are_served_with_length_tag_and_life() {
    let place = Place::published();
    let server = place.serve();
    for (path, life) in [
        ("/metadata/1.root.json", "immutable"),
        ("/metadata/2.targets.json", "immutable"),
        ("/metadata/2.snapshot.json", "immutable"),
        ("/metadata/timestamp.json", "max-age=10"),
        (image_path().as_str(), "immutable"),
    ] {
        let expected = fs::read(place.at(&format!("published{path}"))).unwrap();
        let (head, body) = ask(&server, "GET", path, "");
        assert!(head.starts_with("http/1.1 200"), "{head}");
        assert_eq!(body, expected);
        assert_eq!(header(&head, "content-length"), expected.len().to_string());
        assert!(header(&head, "cache-control").contains(life), "{head}");

        let (head, body) = ask(&server, "HEAD", path, "");
        assert!(head.starts_with("http/1.1 200") && body.is_empty());
        assert_eq!(header(&head, "content-length"), expected.len().to_string());

        let tag = header(&head, "etag");
        let seen = format!("if-none-match: \"x\"\r\nif-none-match: \"y\", W/{tag}\r\n");
        let (head, body) = ask(&server, "GET", path, &seen);
        assert!(head.starts_with("http/1.1 304") && body.is_empty(), "{head}");
        assert_eq!(header(&head, "etag"), tag);
        assert!(header(&head, "cache-control").contains(life), "{head}");
    }
}

#[test]
fn parts_of_an_image_are_served_while_it_is_the_same_image() {
    let place = Place::published();
    let server = place.serve();
    let tag = header(&ask(&server, "HEAD", &image_path(), "").0, "etag");
    let part = |headers: &str| ask(&server, "GET", &image_path(), headers);

    let (head, body) = part(&format!("range: bytes=6-\r\nif-range: {tag}\r\n"));
    assert!(head.starts_with("http/1.1 206"), "{head}");
    assert_eq!((body.as_slice(), header(&head, "content-range").as_str()), (&b"firmware"[..], "bytes 6-13/14"));
    assert_eq!(part("range: bytes=0-4\r\n").1, b"first");
    assert_eq!(part("range: bytes=-8\r\n").1, b"firmware");

    let (head, body) = part("range: bytes=6-\r\nif-range: \"other\"\r\n");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert_eq!(body, b"first firmware");
    let (head, body) = ask(&server, "HEAD", &image_path(), "range: bytes=0-4\r\n");
    assert!(head.starts_with("http/1.1 200") && body.is_empty(), "{head}");
    assert_eq!(header(&head, "content-length"), "14");
    let (head, _) = part("range: bytes=14-\r\n");
    assert!(head.starts_with("http/1.1 416"), "{head}");
    assert_eq!(header(&head, "content-range"), "bytes */14");
}

#[test]
fn nothing_but_what_is_published_can_be_had() {
    let place = Place::published();
    let server = place.serve();
    for path in [
        "/",
        "/keys/root.pem",
        "/metadata/",
        "/metadata/none.json",
        "/metadata/..%2f..%2fkeys%2fsnapshot.pem",
        "/metadata/../../keys/snapshot.pem",
        "/targets/..%2f..%2fkeys/snapshot.pem",
        "/targets/%2fetc/passwd",
        "/targets/brake/../../../state.sqlite",
        "/targets/brake",
        "/targets/brake/fw-1.bin",
        "/state.sqlite",
    ] {
        let (head, body) = ask(&server, "GET", path, "");
        assert!(head.starts_with("http/1.1 404") && body.is_empty(), "{path}: {head}");
        // What is absent may be there soon.
        assert!(header(&head, "cache-control").contains("max-age=10"), "{path}: {head}");
    }
    let (head, _) = ask(&server, "POST", "/metadata/timestamp.json", "content-length: 0\r\n");
    assert!(head.starts_with("http/1.1 405"), "{head}");
    assert_eq!(header(&head, "allow"), "get,head");
}

#[test]
fn our_own_client_resumes_a_download_and_tells_absent_from_broken() {
    struct Kept(Vec<u8>, Option<String>);
    impl Sink for Kept {
        fn start(&mut self, offset: Length, entity_tag: Option<&str>) -> std::io::Result<()> {
            self.0.truncate(usize::try_from(offset.get()).unwrap());
            self.1 = entity_tag.map(str::to_owned);
            Ok(())
        }
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<()> {
            self.0.extend_from_slice(bytes);
            Ok(())
        }
    }
    let place = Place::published();
    let server = place.serve();
    let fetcher = Fetcher::plain(&format!("http://{}", server.address)).unwrap();
    let length = |bytes| Length::new(bytes).unwrap();
    host::serve::runtime().unwrap().block_on(async {
        assert_eq!(fetcher.get("metadata/2.root.json", length(1000)).await.unwrap(), None);
        assert!(fetcher.get("metadata/1.root.json", length(100_000)).await.unwrap().is_some());
        let mut kept = Kept(Vec::new(), None);
        fetcher.download(image_path().trim_start_matches('/'), length(14), None, &mut kept).await.unwrap();
        kept.0.truncate(6);
        let resume = Resume { offset: length(6), entity_tag: kept.1.clone().unwrap() };
        fetcher.download(image_path().trim_start_matches('/'), length(14), Some(&resume), &mut kept).await.unwrap();
        assert_eq!(kept.0, b"first firmware");
    });
}

#[test]
fn publishing_beside_a_running_server_shows_at_once() {
    let place = Place::published();
    let server = place.serve();
    place.add("brake/fw-2.bin", b"second firmware", 2);
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    place.ok("publish", &[]);
    let (head, _) = ask(&server, "GET", "/metadata/3.targets.json", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let (_, timestamp) = ask(&server, "GET", "/metadata/timestamp.json", "");
    assert_eq!(timestamp, fs::read(place.at("published/metadata/timestamp.json")).unwrap());
}

#[test]
fn a_port_in_use_is_one_line_and_a_server_ends_when_asked() {
    let place = Place::published();
    let server = place.serve();
    let said = place.refused(5, "serve", &["--listen", &server.address]);
    assert!(said.contains("is in use"), "{said}");
    assert!(server.stop().success());
}
