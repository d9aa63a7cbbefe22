//! Health, figures, and the end.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::Duration;

use uptane::Sha256;

use super::started::Started;
use crate::place::Place;

/// The whole answer to a `GET` of one path.
fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn a_server_is_ready_while_a_client_would_take_its_timestamp() {
    let place = Place::published();
    let server = Started::new(&place, &[]);
    let ready = || get(&server.operations, "/readyz");
    assert!(ready().starts_with("HTTP/1.1 200"), "{}", ready());
    fs::remove_file(place.at("published/metadata/timestamp.json")).unwrap();
    while ready().starts_with("HTTP/1.1 200") {
        sleep(Duration::from_millis(50));
    }
    let said = ready();
    assert!(said.ends_with("store: ok\ntimestamp: not published\n"), "{said}");
    assert!(get(&server.operations, "/healthz").starts_with("HTTP/1.1 200"));
}

#[test]
fn what_was_answered_is_counted() {
    let place = Place::published();
    let server = Started::new(&place, &[]);
    let address = server.url.strip_prefix("http://").unwrap();
    let timestamp = fs::read(place.at("published/metadata/timestamp.json")).unwrap();
    for path in ["/metadata/timestamp.json", "/metadata/timestamp.json", "/metadata/9.root.json", "/other"] {
        get(address, path);
    }
    let figures = get(&server.operations, "/metrics");
    for expected in [
        "image_repo_http_requests_total{kind=\"metadata\",status=\"2xx\"} 2\n".to_owned(),
        "image_repo_http_requests_total{kind=\"metadata\",status=\"4xx\"} 1\n".to_owned(),
        "image_repo_http_requests_total{kind=\"other\",status=\"4xx\"} 1\n".to_owned(),
        format!("image_repo_http_response_bytes_total{{kind=\"metadata\"}} {}\n", 2 * timestamp.len()),
        "image_repo_http_request_seconds_count{kind=\"metadata\"} 3\n".to_owned(),
        "image_repo_http_request_seconds_bucket{kind=\"metadata\",le=\"+Inf\"} 3\n".to_owned(),
    ] {
        assert!(figures.contains(&expected), "{expected}{figures}");
    }
}

#[test]
fn a_download_under_way_ends_before_the_server_does() {
    let place = Place::published();
    let image = vec![7; 48 * 1024 * 1024];
    place.add("brake/large.bin", &image, 2);
    place.ok("sign", &["--passphrase-file", "passphrase"]);
    place.ok("publish", &[]);
    let mut server = Started::new(&place, &[]);
    let address = server.url.strip_prefix("http://").unwrap().to_owned();

    let mut stream = TcpStream::connect(&address).unwrap();
    let path = format!("/targets/brake/{}.large.bin", Sha256::of(&image));
    write!(stream, "GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
    let mut first = [0; 1];
    stream.read_exact(&mut first).unwrap();
    server.end();
    while TcpStream::connect(&address).is_ok() {
        sleep(Duration::from_millis(10));
    }
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert!(rest.ends_with(&image), "{} bytes", rest.len());
    assert!(server.ended().success());
}
