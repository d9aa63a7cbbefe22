use proto::can::Id;

use super::*;
use crate::serve;

fn frame(id: u16, data: &[u8]) -> Frame {
    Frame::classical(Id::standard(id).unwrap(), data).unwrap()
}

fn in_runtime(test: impl Future<Output = ()>) {
    serve::runtime().unwrap().block_on(async { timeout(Duration::from_secs(30), test).await.unwrap() });
}

#[test]
fn a_frame_reaches_everyone_but_its_sender() {
    let folder = tempfile::tempdir().unwrap();
    in_runtime(async {
        let mut a = UnixBus::join(folder.path()).unwrap();
        let mut b = UnixBus::join(folder.path()).unwrap();
        let mut c = UnixBus::join(folder.path()).unwrap();
        a.send(&frame(1, b"from a")).await.unwrap();
        b.send(&frame(2, b"from b")).await.unwrap();
        assert_eq!(b.receive().await.unwrap().frame(), frame(1, b"from a"));
        assert_eq!(a.receive().await.unwrap().frame(), frame(2, b"from b"));
        assert_eq!(c.receive().await.unwrap().frame(), frame(1, b"from a"));
        assert_eq!(c.receive().await.unwrap().frame(), frame(2, b"from b"));
    });
}

#[test]
fn a_node_that_left_is_forgotten_and_one_that_died_is_cleared_away() {
    let folder = tempfile::tempdir().unwrap();
    in_runtime(async {
        let mut a = UnixBus::join(folder.path()).unwrap();
        drop(UnixBus::join(folder.path()).unwrap());
        // A dead node leaves its socket file behind.
        let dead = folder.path().join("dead.node");
        drop(UnixDatagram::bind(&dead).unwrap());
        assert!(dead.exists());
        a.send(&frame(1, b"")).await.unwrap();
        assert!(!dead.exists());
        let mut late = UnixBus::join(folder.path()).unwrap();
        a.send(&frame(2, b"")).await.unwrap();
        assert_eq!(late.receive().await.unwrap().frame(), frame(2, b""));
    });
}

#[test]
fn nodes_that_wait_for_each_other_both_get_through() {
    let folder = tempfile::tempdir().unwrap();
    in_runtime(async {
        let mut a = UnixBus::join(folder.path()).unwrap();
        let mut b = UnixBus::join(folder.path()).unwrap();
        let both = async |bus: &mut UnixBus| {
            for _ in 0..MAX_INBOX / 2 {
                bus.send(&frame(3, b"12345678")).await.unwrap();
            }
        };
        tokio::join!(both(&mut a), both(&mut b));
        for _ in 0..MAX_INBOX / 2 {
            assert_eq!(a.receive().await.unwrap().frame(), frame(3, b"12345678"));
            assert_eq!(b.receive().await.unwrap().frame(), frame(3, b"12345678"));
        }
    });
}

#[test]
fn a_node_that_takes_no_frames_holds_a_sender_up_once() {
    let folder = tempfile::tempdir().unwrap();
    in_runtime(async {
        let mut a = UnixBus::join(folder.path()).unwrap();
        let mut stuck = UnixBus::join(folder.path()).unwrap();
        let started = clock::stopwatch();
        for _ in 0..5_000 {
            a.send(&frame(6, b"")).await.unwrap();
        }
        let held_up = started.elapsed();
        assert!(held_up >= PATIENCE && held_up < 4 * PATIENCE, "{held_up:?}");
        // It listens again, and gets what is sent from then on.
        while timeout(Duration::from_millis(20), stuck.receive()).await.is_ok() {}
        a.send(&frame(7, b"again")).await.unwrap();
        assert_eq!(stuck.receive().await.unwrap().frame(), frame(7, b"again"));
    });
}

#[test]
fn what_is_no_frame_is_ignored() {
    let folder = tempfile::tempdir().unwrap();
    in_runtime(async {
        let mut a = UnixBus::join(folder.path()).unwrap();
        let stranger = UnixDatagram::unbound().unwrap();
        stranger.send_to(b"hello", folder.path().join(&a.name)).await.unwrap();
        let mut b = UnixBus::join(folder.path()).unwrap();
        b.send(&frame(4, b"frame")).await.unwrap();
        assert_eq!(a.receive().await.unwrap().frame(), frame(4, b"frame"));
    });
}

#[test]
fn forty_thousand_frames_in_order_from_another_thread() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let (ready, joined) = std::sync::mpsc::channel();
    let receiver = std::thread::spawn(move || {
        serve::runtime().unwrap().block_on(async {
            let mut bus = UnixBus::join(&path).unwrap();
            ready.send(()).unwrap();
            for number in 0..40_000_u32 {
                assert_eq!(bus.receive().await.unwrap().frame(), frame(5, &number.to_be_bytes()));
            }
        });
    });
    joined.recv().unwrap();
    let started = clock::stopwatch();
    serve::runtime().unwrap().block_on(async {
        let mut bus = UnixBus::join(folder.path()).unwrap();
        for number in 0..40_000_u32 {
            bus.send(&frame(5, &number.to_be_bytes())).await.unwrap();
        }
    });
    receiver.join().unwrap();
    println!("40,000 frames in {:?}", started.elapsed());
}
