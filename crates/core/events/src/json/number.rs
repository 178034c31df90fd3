//! Decimal numbers of JSON as scaled integers, exactly: no step goes through floating point.

/// A decimal as an integer of the wanted scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scaled {
    /// The number times ten to the scale, rounded half away from zero.
    pub(crate) value: i64,
    /// Whether nothing was rounded off.
    pub(crate) exact: bool,
}

/// Reads a JSON number times ten to `scale`; `None` where it does not fit, or is no number.
pub(crate) fn scaled(text: &str, scale: i32) -> Option<Scaled> {
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let bytes = unsigned.as_bytes();
    if let Some(value) = plain(bytes, scale) {
        return Some(Scaled { value: if negative { -value } else { value }, exact: true });
    }
    let (mantissa, exponent) = match bytes.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => (unsigned.get(..at)?, exponent(unsigned.get(at + 1..)?)?),
        None => (unsigned, 0),
    };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() {
        return None;
    }
    let kept = whole.len() as i64 + i64::from(scale) + exponent;
    let mut seen = 0;
    let mut value: i64 = 0;
    let (mut up, mut exact) = (false, true);
    for digit in whole.bytes().chain(part.bytes()) {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        if seen < kept {
            value = value.checked_mul(10)?.checked_add(i64::from(digit))?;
        } else {
            up |= seen == kept && digit >= 5;
            exact &= digit == 0;
        }
        seen += 1;
    }
    while seen < kept && value != 0 {
        value = value.checked_mul(10)?;
        seen += 1;
    }
    value = value.checked_add(i64::from(up))?;
    Some(Scaled { value: if negative { -value } else { value }, exact })
}

/// The fast way for what nearly every number is: few digits, no exponent, nothing to round off.
#[inline]
fn plain(bytes: &[u8], scale: i32) -> Option<i64> {
    if bytes.len() > 12 {
        return None;
    }
    let mut value: i64 = 0;
    let mut missing = scale;
    let mut digits = bytes.iter();
    for byte in digits.by_ref() {
        match byte.wrapping_sub(b'0') {
            digit @ 0..=9 => value = value * 10 + i64::from(digit),
            _ if *byte == b'.' => break,
            _ => return None,
        }
    }
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 || missing == 0 {
            return None;
        }
        value = value * 10 + i64::from(digit);
        missing -= 1;
    }
    let unit = match missing {
        0 => 1,
        1 => 10,
        2 => 100,
        3 => 1_000,
        4 => 10_000,
        _ => return None,
    };
    (bytes.first()? != &b'.').then_some(value * unit)
}

fn exponent(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes() {
        [b'-', ..] => (true, text.get(1..)?),
        [b'+', ..] => (false, text.get(1..)?),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    let mut value: i64 = 0;
    for digit in digits.bytes() {
        if !digit.is_ascii_digit() {
            return None;
        }
        value = (value * 10 + i64::from(digit - b'0')).min(1 << 40);
    }
    Some(if negative { -value } else { value })
}

/// Appends `value` divided by ten to `places`, without trailing zeros.
pub(crate) fn write_scaled(value: i64, places: u32, out: &mut Vec<u8>) {
    let start = out.len();
    write_fixed(value, places, out);
    if places > 0 {
        while out.len() > start && out.last() == Some(&b'0') {
            out.pop();
        }
        if out.last() == Some(&b'.') {
            out.pop();
        }
    }
}

/// Appends `value` divided by ten to `places`, with all its places.
pub(crate) fn write_fixed(value: i64, places: u32, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let unit = 10_u64.pow(places);
    let size = value.unsigned_abs();
    write_unsigned(size / unit, out);
    if places > 0 {
        out.push(b'.');
        let mut rest = size % unit;
        let mut place = unit / 10;
        while place > 0 {
            out.push(b'0' + (rest / place) as u8);
            rest %= place;
            place /= 10;
        }
    }
}

/// Appends a number.
pub(crate) fn write_unsigned(mut value: u64, out: &mut Vec<u8>) {
    let mut digits = [0_u8; 20];
    let mut count = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
        count += 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(20 - count..).unwrap_or(&[]));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(text: &str) -> Option<i64> {
        scaled(text, 2).map(|found| found.value)
    }

    #[test]
    fn money_is_exact_and_rounds_half_away_from_zero() {
        for (text, value) in [
            ("1.005", 101),
            ("-1.005", -101),
            ("1.0049999", 100),
            ("0.29", 29),
            ("19.9", 1990),
            ("1e3", 100_000),
            ("1.5E-2", 2),
            ("0.0049", 0),
            ("-0", 0),
            ("0e999999999999999999999", 0),
            ("92233720368547758.07", i64::MAX),
        ] {
            assert_eq!(cents(text), Some(value), "{text}");
        }
        for text in ["92233720368547758.08", "1e300", "", "-", ".", "1x", "1e", "1e+"] {
            assert_eq!(cents(text), None, "{text}");
        }
        assert_eq!(scaled("2.50", 0), Some(Scaled { value: 3, exact: false }));
        assert_eq!(scaled("2.0", 0), Some(Scaled { value: 2, exact: true }));
        assert_eq!(scaled("1e-400", 0), Some(Scaled { value: 0, exact: false }));
    }

    #[test]
    fn numbers_print_as_they_read() {
        let print = |value, places| {
            let mut out = Vec::new();
            write_scaled(value, places, &mut out);
            String::from_utf8(out).unwrap()
        };
        assert_eq!(print(-1_990, 2), "-19.9");
        assert_eq!(print(5, 4), "0.0005");
        assert_eq!(print(0, 4), "0");
        assert_eq!(print(100, 0), "100");
        assert_eq!(print(i64::MIN, 2), "-92233720368547758.08");
    }
}
