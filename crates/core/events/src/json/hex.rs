//! Hexadecimal digits, eight at a time.

/// The number that 32 hexadecimal digits are, or a UUID; `None` of anything else.
pub(super) fn number(text: &[u8]) -> Option<u128> {
    let parts = match text.len() {
        32 => [text.get(..8)?, text.get(8..16)?, text.get(16..24)?, text.get(24..)?],
        36 => return uuid(text.first_chunk()?),
        _ => return None,
    };
    let mut number = 0;
    for part in parts {
        number = number << 32 | u128::from(eight(*part.first_chunk()?)?);
    }
    Some(number)
}

fn uuid(text: &[u8; 36]) -> Option<u128> {
    let [
        a0,
        a1,
        a2,
        a3,
        a4,
        a5,
        a6,
        a7,
        b'-',
        b0,
        b1,
        b2,
        b3,
        b'-',
        b4,
        b5,
        b6,
        b7,
        b'-',
        c0,
        c1,
        c2,
        c3,
        b'-',
        c4,
        c5,
        c6,
        c7,
        d0,
        d1,
        d2,
        d3,
        d4,
        d5,
        d6,
        d7,
    ] = *text
    else {
        return None;
    };
    let a = eight([a0, a1, a2, a3, a4, a5, a6, a7])?;
    let b = eight([b0, b1, b2, b3, b4, b5, b6, b7])?;
    let c = eight([c0, c1, c2, c3, c4, c5, c6, c7])?;
    let d = eight([d0, d1, d2, d3, d4, d5, d6, d7])?;
    Some(u128::from(a) << 96 | u128::from(b) << 64 | u128::from(c) << 32 | u128::from(d))
}

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// The number that eight hexadecimal digits are.
///
/// All bytes are looked at together: adding to a byte what carries it over its highest bit says
/// whether it is at least some character.
fn eight(digits: [u8; 8]) -> Option<u32> {
    let text = u64::from_le_bytes(digits);
    let lower = text | (ONES * 0x20);
    let from = |word: u64, least: u8| word.wrapping_add(ONES * u64::from(0x80 - least)) & HIGHS;
    let decimal = from(text, b'0') & !from(text, b'9' + 1);
    let letter = from(lower, b'a') & !from(lower, b'f' + 1);
    if text & HIGHS != 0 || decimal | letter != HIGHS {
        return None;
    }
    let values = (lower & (ONES * 0x0f)) + (letter >> 7) * 9;
    let pairs = (values << 4 | values >> 8) & 0x00ff_00ff_00ff_00ff;
    let byte = |at: u32| (pairs >> (16 * at)) as u32 & 0xff;
    Some(byte(0) << 24 | byte(1) << 16 | byte(2) << 8 | byte(3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_a_digit_or_none_at_every_place() {
        for place in 0..8 {
            for byte in 0..=u8::MAX {
                let mut digits = *b"00000000";
                digits[place] = byte;
                let value = char::from(byte).to_digit(16).filter(|_| byte < 128);
                let expected = value.map(|value| value << (4 * (7 - place)));
                assert_eq!(eight(digits), expected, "{byte} at {place}");
            }
        }
        assert_eq!(eight(*b"01aF9e7B"), Some(0x01af_9e7b));
    }
}
