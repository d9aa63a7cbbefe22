use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::*;
use crate::serve;

/// A server that says to each request in turn what `answers` say, and then keeps silent with the connection open.
async fn server(answers: Vec<String>) -> (String, tokio::task::JoinHandle<Vec<String>>) {
    let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
    let base = format!("http://{}/base/", listener.local_addr().unwrap());
    (base, tokio::spawn(answer(listener, answers)))
}

async fn answer(listener: TcpListener, answers: Vec<String>) -> Vec<String> {
    let mut asked = Vec::new();
    for answer in answers {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = vec![0; 4096];
        let count = stream.read(&mut head).await.unwrap();
        asked.push(String::from_utf8_lossy(&head[..count]).to_ascii_lowercase());
        stream.write_all(answer.as_bytes()).await.unwrap();
        match answer.contains("close") {
            true => drop(stream),
            false => drop(tokio::spawn(async move {
                tokio::time::sleep(Duration::from_secs(60)).await;
                drop(stream);
            })),
        }
    }
    asked
}

#[derive(Debug, Default)]
struct Kept {
    bytes: Vec<u8>,
    entity_tag: Option<String>,
}

impl Sink for Kept {
    fn start(&mut self, offset: Length, entity_tag: Option<&str>) -> io::Result<()> {
        self.bytes.truncate(usize::try_from(offset.get()).unwrap());
        self.entity_tag = entity_tag.map(str::to_owned);
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }
}

fn length(bytes: u64) -> Length {
    Length::new(bytes).unwrap()
}

fn ok(body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\nconnection: close\r\netag: \"v1\"\r\ncontent-length: {}\r\n\r\n{body}", body.len())
}

async fn get(answer: &str, limit: u64) -> Result<Option<Vec<u8>>, FetchError> {
    let (base, _server) = server(vec![answer.to_owned()]).await;
    let fetcher = Fetcher::plain(&base).unwrap().at_least(100, Duration::from_millis(300));
    fetcher.get("metadata/1.root.json", length(limit)).await
}

fn run(test: impl Future<Output = ()>) {
    serve::runtime().unwrap().block_on(test);
}

#[test]
fn a_file_within_its_limit_arrives_from_its_escaped_path() {
    run(async {
        let (base, server) = server(vec![ok("four")]).await;
        let fetcher = Fetcher::plain(&base).unwrap();
        assert_eq!(fetcher.get("targets/a#b%2f.bin", length(4)).await.unwrap().unwrap(), b"four");
        let asked = server.await.unwrap();
        assert!(asked[0].starts_with("get /base/targets/a%23b%252f.bin http/1.1"), "{}", asked[0]);
    });
}

#[test]
fn a_name_with_a_slash_is_one_part_of_the_address() {
    run(async {
        let (base, asked) = server(vec![ok("{}")]).await;
        let fetcher = Fetcher::plain(&base).unwrap();
        fetcher.get_named("1.../role?#%.json", length(9)).await.unwrap();
        assert!(asked.await.unwrap()[0].starts_with("get /base/1...%2frole%3f%23%25.json http/1.1"));
    });
}

#[test]
fn more_than_the_limit_is_refused_whether_announced_or_not() {
    run(async {
        assert!(matches!(get(&ok("12345"), 4).await, Err(FetchError::TooLong { .. })));
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n12345\r\n";
        assert!(matches!(get(chunked, 4).await, Err(FetchError::TooLong { .. })));
    });
}

#[test]
fn only_404_says_that_there_is_no_such_file() {
    run(async {
        let status = |status| format!("HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(get(&status(404), 4).await.unwrap(), None);
        for other in [403, 410, 500, 503] {
            let refused = get(&status(other), 4).await;
            assert!(matches!(refused, Err(FetchError::Status { status }) if status == other));
        }
    });
}

#[test]
fn a_server_that_trickles_or_keeps_silent_is_too_slow() {
    run(async {
        for answer in ["", "HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n12"] {
            let error = get(answer, 99).await.unwrap_err();
            assert!(matches!(error, FetchError::SlowRetrieval { .. }), "{error}");
            assert_eq!(error.attack(), Some(uptane::Attack::SlowRetrieval));
        }
    });
}

#[test]
fn a_download_goes_on_where_it_broke_off() {
    run(async {
        let part = "HTTP/1.1 206 Partial Content\r\nconnection: close\r\netag: \"v1\"\r\n\
            content-range: bytes 3-7/8\r\ncontent-length: 5\r\n\r\n45678";
        let broken = "HTTP/1.1 200 OK\r\nconnection: close\r\netag: \"v1\"\r\n\r\n123";
        let (base, server) = server(vec![broken.to_owned(), part.to_owned()]).await;
        let fetcher = Fetcher::plain(&base).unwrap();
        let mut kept = Kept::default();
        let error = fetcher.download("image", length(8), None, &mut kept).await.unwrap_err();
        assert!(matches!(error, FetchError::Incomplete { got: 3, .. }), "{error}");

        let resume = Resume { offset: length(3), entity_tag: kept.entity_tag.clone().unwrap() };
        fetcher.download("image", length(8), Some(&resume), &mut kept).await.unwrap();
        assert_eq!(kept.bytes, b"12345678");
        let asked = server.await.unwrap();
        assert!(asked[1].contains("range: bytes=3-") && asked[1].contains("if-range: \"v1\""), "{}", asked[1]);
    });
}

#[test]
fn a_file_that_changed_begins_again() {
    run(async {
        let (base, _server) = server(vec![ok("abcdefgh")]).await;
        let mut kept = Kept { bytes: b"123".to_vec(), entity_tag: None };
        let resume = Resume { offset: length(3), entity_tag: "\"v0\"".into() };
        Fetcher::plain(&base).unwrap().download("image", length(8), Some(&resume), &mut kept).await.unwrap();
        assert_eq!(kept.bytes, b"abcdefgh");
    });
}

#[test]
fn a_part_the_server_does_not_have_is_asked_for_from_the_start_and_a_whole_file_not_at_all() {
    run(async {
        let shorter = "HTTP/1.1 416 x\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";
        let (base, server) = server(vec![shorter.to_owned(), ok("abcdefgh")]).await;
        let fetcher = Fetcher::plain(&base).unwrap();
        let mut kept = Kept { bytes: b"1234567".to_vec(), entity_tag: None };
        let resume = |offset| Resume { offset: length(offset), entity_tag: "\"v0\"".into() };
        fetcher.download("image", length(8), Some(&resume(7)), &mut kept).await.unwrap();
        assert_eq!(kept.bytes, b"abcdefgh");
        assert_eq!(server.await.unwrap().len(), 2);
        // Nobody answers any more, and nobody need.
        fetcher.download("image", length(8), Some(&resume(8)), &mut kept).await.unwrap();
        assert_eq!(kept.bytes, b"abcdefgh");
    });
}

#[test]
fn another_part_than_asked_for_is_refused() {
    run(async {
        let part = "HTTP/1.1 206 Partial Content\r\nconnection: close\r\n\
            content-range: bytes 2-7/8\r\ncontent-length: 6\r\n\r\n345678";
        let (base, _server) = server(vec![part.to_owned()]).await;
        let resume = Resume { offset: length(3), entity_tag: "\"v1\"".into() };
        let mut kept = Kept::default();
        let refused = Fetcher::plain(&base).unwrap().download("image", length(8), Some(&resume), &mut kept).await;
        assert!(matches!(refused, Err(FetchError::BadRange)));
        assert!(kept.bytes.is_empty());
    });
}

#[test]
fn no_sink_gets_more_than_the_length() {
    run(async {
        let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n12345678\r\n8\r\n12345678\r\n";
        let (base, _server) = server(vec![chunked.to_owned()]).await;
        let mut kept = Kept::default();
        let refused = Fetcher::plain(&base).unwrap().download("image", length(10), None, &mut kept).await;
        assert!(matches!(refused, Err(FetchError::TooLong { .. })));
        assert!(kept.bytes.len() <= 10);
    });
}

#[test]
fn an_address_of_the_other_scheme_is_refused_before_anything_is_sent() {
    assert!(matches!(Fetcher::plain("https://example.org"), Err(FetchError::Scheme { expected: "http", .. })));
    assert!(matches!(Fetcher::plain("no address"), Err(FetchError::BadAddress { .. })));
}

#[test]
fn a_server_that_is_not_there_is_unreachable() {
    run(async {
        let listener = serve::listen(([127, 0, 0, 1], 0).into()).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        let error = Fetcher::plain(&base).unwrap().get("x", length(1)).await.unwrap_err();
        assert!(matches!(error, FetchError::Unreachable { .. }), "{error}");
    });
}
