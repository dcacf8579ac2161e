//! The layer over in-memory streams that take and give a few bytes at a time.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

use super::*;
use crate::codec::{Parity, SerialLine};

const GREETING: &[u8] = b"\xFF\xFB\x03\xFF\xFD\x03\xFF\xFB\x01\xFF\xFE\x01\xFF\xFD\x00\xFF\xFB\x00";
const ANSWER: &[u8] = b"\xFF\xFD\x03\xFF\xFB\x03\xFF\xFE\x01\xFF\xFB\x00\xFF\xFD\x00";
const LINE: TelnetMode = TelnetMode::Line(SerialLine { baud: 9600, data_bits: 8, parity: Parity::None, stop_bits: 1 });

/// A layer, and the gateway's end of its stream, which holds `room` bytes each way.
fn pair(mode: TelnetMode, room: usize) -> (Telnet<DuplexStream>, DuplexStream) {
    let (ours, theirs) = duplex(room);
    (Telnet::new(ours, mode), theirs)
}

async fn seen(gateway: &mut DuplexStream, count: usize) -> Vec<u8> {
    let mut bytes = vec![0; count];
    gateway.read_exact(&mut bytes).await.unwrap();
    bytes
}

#[tokio::test(start_paused = true)]
async fn a_reader_sees_data_alone_and_the_answers_go_out_by_themselves() {
    for mode in [TelnetMode::Auto, TelnetMode::Always] {
        let (mut layer, mut gateway) = pair(mode, 4096);
        gateway.write_all(GREETING).await.unwrap();
        gateway.write_all(b"a \xFF\xFF 01x").await.unwrap();
        let mut data = [0; 7];
        layer.read_exact(&mut data).await.unwrap();
        assert_eq!(&data, b"a \xFF 01x");
        assert_eq!(seen(&mut gateway, ANSWER.len()).await, ANSWER);
        layer.write_all(b"ka\xFF\r").await.unwrap();
        assert_eq!(seen(&mut gateway, 5).await, b"ka\xFF\xFF\r");
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_layer_every_byte_passes_as_it_is() {
    for (mode, first) in [(TelnetMode::Never, &b"\xFF\xFD\x2C"[..]), (TelnetMode::Auto, b"a\xFF\xFD\x2C")] {
        let (mut layer, mut gateway) = pair(mode, 4096);
        gateway.write_all(first).await.unwrap();
        let mut data = vec![0; first.len()];
        layer.read_exact(&mut data).await.unwrap();
        assert_eq!(data, first);
        layer.write_all(b"\xFF!").await.unwrap();
        assert_eq!(seen(&mut gateway, 2).await, b"\xFF!", "{mode:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_takes_a_byte_at_a_time_gets_every_byte_once() {
    let (mut layer, mut gateway) = pair(TelnetMode::Always, 1);
    let reading = async {
        let mut wire = Vec::new();
        gateway.read_to_end(&mut wire).await.unwrap();
        wire
    };
    let writing = async {
        let data = b"\xFFa\xFF\xFFb\xFF";
        let mut taken = 0;
        while taken < data.len() {
            taken += layer.write(&data[taken..]).await.unwrap();
        }
        layer.flush().await.unwrap();
        drop(layer);
    };
    let (wire, ()) = tokio::join!(reading, writing);
    assert_eq!(wire, b"\xFF\xFFa\xFF\xFF\xFF\xFFb\xFF\xFF");
}

#[tokio::test(start_paused = true)]
async fn answers_that_do_not_fit_wait_and_go_before_the_command() {
    let (mut layer, mut gateway) = pair(TelnetMode::Always, 4);
    let playing = async {
        gateway.write_all(GREETING).await.unwrap();
        gateway.write_all(b"x").await.unwrap();
        seen(&mut gateway, ANSWER.len() + 3).await
    };
    let talking = async {
        assert_eq!(layer.read_u8().await.unwrap(), b'x');
        layer.write_all(b"ka\r").await.unwrap();
    };
    let (wire, ()) = tokio::join!(playing, talking);
    assert_eq!(wire, [ANSWER, b"ka\r"].concat());
}

#[tokio::test(start_paused = true)]
async fn the_last_look_goes_through_the_layer() {
    let (mut layer, mut gateway) = pair(TelnetMode::Auto, 4096);
    let mut buffer = BytesMut::new();
    gateway.write_all(GREETING).await.unwrap();
    let nothing = layer.read_now(&mut buffer, 100).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock, "negotiation is not the end of the stream");
    assert_eq!(seen(&mut gateway, ANSWER.len()).await, ANSWER);
    gateway.write_all(b"\xFF\xF1ok").await.unwrap();
    assert_eq!(layer.read_now(&mut buffer, 100).unwrap(), 2);
    assert_eq!(&buffer[..], b"ok");
    drop(gateway);
    assert_eq!(layer.read_now(&mut buffer, 100).unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_line_is_set_and_what_came_besides_is_read_afterwards() {
    let (mut layer, mut gateway) = pair(LINE, 4096);
    let playing = async {
        assert_eq!(seen(&mut gateway, 6).await, b"\xFF\xFD\x2C\xFF\xFB\x2C");
        gateway.write_all(b"old\xFF\xFD\x2C\xFF\xFB\x2C").await.unwrap();
        let settings = b"\xFF\xFA\x2C\x01\x00\x00\x25\x80\xFF\xF0\xFF\xFA\x2C\x02\x08\xFF\xF0\xFF\xFA\x2C\x03\x01\xFF\xF0\xFF\xFA\x2C\x04\x01\xFF\xF0";
        let mut answers = seen(&mut gateway, settings.len()).await;
        assert_eq!(answers, settings);
        for place in [3, 13, 20, 27] {
            answers[place] += 100;
        }
        gateway.write_all(&answers).await.unwrap();
    };
    let (set, ()) = tokio::join!(layer.set_line(), playing);
    assert!(set.unwrap());
    assert_eq!(layer.line(), Some(&LineState::Set));
    let mut data = [0; 3];
    layer.read_exact(&mut data).await.unwrap();
    assert_eq!(&data, b"old");
}

#[tokio::test(start_paused = true)]
async fn a_wait_for_the_line_may_be_given_up_and_taken_up_again() {
    let (mut layer, mut gateway) = pair(LINE, 4096);
    let given_up = tokio::time::timeout(Duration::from_secs(2), layer.set_line()).await;
    assert!(given_up.is_err());
    gateway.write_all(b"\xFF\xFE\x2C").await.unwrap();
    layer.set_line_now();
    assert!(matches!(layer.line(), Some(LineState::Refused(_))), "{:?}", layer.line());
    let (mut layer, gateway) = pair(LINE, 4096);
    drop(gateway);
    assert!(layer.set_line().await.is_err() || layer.line() == Some(&LineState::Waiting));
}
