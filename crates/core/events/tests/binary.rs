//! The binary form: what is written reads back, and no bytes make it panic.

use proptest::prelude::*;
use shelf_events::testing::{events, outputs};
use shelf_events::{
    DecodeError, Header, decode_effect, decode_event, encode_effect, encode_event, peek,
};

fn encoded(event: &shelf_domain::Event) -> Vec<u8> {
    let mut out = Vec::new();
    encode_event(event, &mut out);
    out
}

proptest! {
    #[test]
    fn an_event_comes_back(event in events()) {
        let bytes = encoded(&event);
        prop_assert_eq!(peek(&bytes), Ok(Header { store: event.store, at: event.at }));
        prop_assert_eq!(decode_event(&bytes), Ok(event));
    }

    #[test]
    fn a_record_cut_short_or_too_long_is_an_error(
        event in events(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = encoded(&event);
        prop_assert!(decode_event(&bytes[..cut.index(bytes.len())]).is_err());
        bytes.push(0);
        prop_assert!(decode_event(&bytes).is_err());
    }

    #[test]
    fn a_changed_record_never_panics(
        event in events(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut bytes = encoded(&event);
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // What still reads is an event like any other.
        if let Ok(event) = decode_event(&bytes) {
            prop_assert_eq!(decode_event(&encoded(&event)), Ok(event));
        }
        let _ = peek(&bytes);
    }

    #[test]
    fn random_bytes_never_panic(
        tag in 0..30_u8,
        tail in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let _ = decode_event(&tail);
        let _ = decode_effect(&tail);
        let mut bytes = vec![1, tag, 2, b's', b'1'];
        bytes.extend_from_slice(&tail);
        let _ = decode_event(&bytes);
        bytes.remove(1);
        let _ = decode_effect(&bytes);
    }

    #[test]
    fn an_effect_comes_back(record in outputs(), cut in any::<prop::sample::Index>()) {
        let mut bytes = vec![7];
        encode_effect(&record, &mut bytes);
        let bytes = &bytes[1..];
        prop_assert_eq!(decode_effect(bytes), Ok(record));
        prop_assert!(decode_effect(&bytes[..cut.index(bytes.len())]).is_err());
    }
}

#[test]
fn each_kind_of_damage_has_its_error() {
    assert_eq!(decode_event(&[]), Err(DecodeError::Truncated));
    assert_eq!(decode_event(&[2, 1]), Err(DecodeError::UnknownVersion(2)));
    assert_eq!(decode_effect(&[2, 1]), Err(DecodeError::UnknownVersion(2)));
    let clock = |tag| {
        let mut bytes = vec![1, tag, 2, b's', b'1'];
        bytes.extend_from_slice(&[0; 27]);
        bytes
    };
    assert!(decode_event(&clock(25)).is_ok());
    assert_eq!(decode_event(&clock(99)), Err(DecodeError::UnknownTag(99)));
    let mut bad = clock(25);
    bad[3] = 0xff;
    assert_eq!(decode_event(&bad), Err(DecodeError::InvalidUtf8));
    let mut long = vec![1, 25, 24];
    long.extend_from_slice(&[b'a'; 80]);
    assert_eq!(decode_event(&long), Err(DecodeError::TextTooLong));
    let mut trailing = clock(25);
    trailing.extend_from_slice(b"xyz");
    assert_eq!(decode_event(&trailing), Err(DecodeError::TrailingBytes(3)));
    let mut varint = clock(5);
    varint.splice(13..14, [0xff; 10]);
    assert_eq!(decode_event(&varint), Err(DecodeError::NumberOutOfRange));
}
