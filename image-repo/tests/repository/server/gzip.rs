//! The gzip form of metadata.

use std::fs;
use std::io::Read as _;

use super::{ask, header, image_path};
use crate::place::Place;

/// A repository whose Snapshot and Targets are worth compressing.
fn with_images() -> Place {
    let place = Place::published();
    for number in 2..8 {
        place.add(&format!("brake/fw-{number}.bin"), format!("firmware {number}").as_bytes(), number);
    }
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    place.ok("publish", &[]);
    place
}

#[test]
fn metadata_is_sent_as_gzip_to_who_accepts_it_under_a_tag_of_its_own() {
    let place = with_images();
    let server = place.serve();
    for path in ["/metadata/3.targets.json", "/metadata/1.root.json", "/metadata/timestamp.json"] {
        let plain = fs::read(place.at(&format!("published{path}"))).unwrap();
        let (head, body) = ask(&server, "GET", path, "accept-encoding: br, gzip;q=0.8\r\n");
        assert_eq!(header(&head, "content-encoding"), "gzip");
        assert_eq!(header(&head, "content-length"), body.len().to_string());
        assert!(body.len() < plain.len());
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(body.as_slice()).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain);

        let (plain_head, _) = ask(&server, "GET", path, "");
        assert!(!plain_head.contains("content-encoding"), "{plain_head}");
        let (tag, plain_tag) = (header(&head, "etag"), header(&plain_head, "etag"));
        assert_ne!(tag, plain_tag);
        for (given, status) in [(&tag, "http/1.1 304"), (&plain_tag, "http/1.1 200")] {
            let (head, _) = ask(&server, "GET", path, &format!("accept-encoding: gzip\r\nif-none-match: {given}\r\n"));
            assert!(head.starts_with(status), "{head}");
            assert_eq!(header(&head, "vary"), "accept-encoding");
        }
        assert_eq!(header(&plain_head, "vary"), "accept-encoding");
    }
}

#[test]
fn who_asks_for_a_part_gets_it_of_the_plain_form() {
    let place = with_images();
    let server = place.serve();
    let path = "/metadata/3.targets.json";
    let plain = fs::read(place.at(&format!("published{path}"))).unwrap();
    let (head, body) = ask(&server, "GET", path, "accept-encoding: gzip\r\nrange: bytes=10-19\r\n");
    assert!(head.starts_with("http/1.1 206"), "{head}");
    assert!(!head.contains("content-encoding"), "{head}");
    assert_eq!(body, plain[10..20]);
    assert_eq!(header(&head, "content-range"), format!("bytes 10-19/{}", plain.len()));
}

#[test]
fn a_head_says_what_a_get_would_send() {
    let place = with_images();
    let server = place.serve();
    let path = "/metadata/3.targets.json";
    let (sent, body) = ask(&server, "GET", path, "accept-encoding: gzip\r\n");
    let (head, nothing) = ask(&server, "HEAD", path, "accept-encoding: gzip\r\n");
    assert!(nothing.is_empty());
    assert_eq!(header(&head, "content-length"), body.len().to_string());
    for name in ["etag", "content-encoding", "cache-control", "vary"] {
        assert_eq!(header(&head, name), header(&sent, name));
    }
}

#[test]
fn an_image_is_sent_as_it_is() {
    let place = Place::published();
    let server = place.serve();
    let (head, body) = ask(&server, "GET", &image_path(), "accept-encoding: gzip\r\n");
    assert!(!head.contains("content-encoding") && !head.contains("vary"), "{head}");
    assert_eq!(body, b"first firmware");
}

#[test]
fn tags_are_the_same_on_every_server_of_the_same_files() {
    let place = with_images();
    let server = place.serve();
    // A copy of what is published, without the repository behind it.
    let copy = Place::empty();
    fs::create_dir_all(copy.at("published/metadata")).unwrap();
    for file in fs::read_dir(place.at("published/metadata")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), copy.at("published/metadata").join(file.file_name())).unwrap();
    }
    let other = copy.serve();
    for path in ["/metadata/3.targets.json", "/metadata/timestamp.json"] {
        for accept in ["", "accept-encoding: gzip\r\n"] {
            let tag = |server| header(&ask(server, "HEAD", path, accept).0, "etag");
            assert_eq!(tag(&server), tag(&other));
        }
    }
}
