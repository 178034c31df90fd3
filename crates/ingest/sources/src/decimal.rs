//! Decimal numbers as they are written: no binary fraction ever touches money.

/// The most digits that a number may have.
const DIGITS_MAX: u32 = 27;
/// The most digits after the point.
const SCALE_MAX: u32 = 30;

/// The exact number `mantissa / 10^scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    mantissa: i128,
    scale: u32,
}

/// How numbers are written in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NumberForm {
    /// What stands before the fraction.
    pub(crate) point: u8,
    /// What groups thousands, where anything does.
    pub(crate) group: Option<u8>,
}

impl Decimal {
    pub(crate) const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// Reads `-1234.50`, `1e3`, `4.4e-16`, with the point and the groups of `form`.
    pub(crate) fn read(text: &str, form: NumberForm) -> Option<Self> {
        let text = text.trim();
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, digits) = match number.as_bytes().split_first()? {
            (b'-', rest) => (true, rest),
            (b'+', rest) => (false, rest),
            _ => (false, number.as_bytes()),
        };
        let mut mantissa: i128 = 0;
        let mut places = None::<i32>;
        let mut any = false;
        for &byte in digits {
            if byte == form.point && places.is_none() {
                places = Some(0);
            } else if byte.is_ascii_digit() {
                any = true;
                mantissa = mantissa * 10 + i128::from(byte - b'0');
                places = places.map(|places| places + 1);
                if mantissa >= 10_i128.pow(DIGITS_MAX) {
                    return None;
                }
            } else if Some(byte) != form.group || places.is_some() {
                return None;
            }
        }
        if !any {
            return None;
        }
        let mantissa = if negative { -mantissa } else { mantissa };
        Self { mantissa, scale: 0 }.shifted(exponent.checked_sub(places.unwrap_or(0))?)
    }

    /// This number times `10^places`.
    pub(crate) fn shifted(self, places: i32) -> Option<Self> {
        let scale = i64::from(self.scale) - i64::from(places);
        if scale < 0 {
            let factor = 10_i128.checked_pow(u32::try_from(-scale).ok()?)?;
            return Some(Self { mantissa: self.mantissa.checked_mul(factor)?, scale: 0 });
        }
        let scale = u32::try_from(scale).ok()?;
        (scale <= SCALE_MAX || self.mantissa == 0)
            .then_some(Self { mantissa: self.mantissa, scale: scale.min(SCALE_MAX) })
    }

    pub(crate) fn plus(self, other: Self) -> Option<Self> {
        let scale = self.scale.max(other.scale);
        let at =
            |number: Self| number.mantissa.checked_mul(10_i128.checked_pow(scale - number.scale)?);
        Some(Self { mantissa: at(self)?.checked_add(at(other)?)?, scale })
    }

    pub(crate) fn times(self, factor: i64) -> Option<Self> {
        Some(Self { mantissa: self.mantissa.checked_mul(i128::from(factor))?, scale: self.scale })
    }

    /// `None` for a divisor of zero.
    pub(crate) fn ratio(self, whole: Self, parts: i64) -> Option<i64> {
        let scale = self.scale.max(whole.scale);
        let at =
            |number: Self| number.mantissa.checked_mul(10_i128.checked_pow(scale - number.scale)?);
        divide_round(at(self)?.checked_mul(i128::from(parts))?, at(whole)?)
    }

    /// This number divided by `parts`, to a whole number, half away from zero.
    pub(crate) fn rounded_over(self, parts: i64) -> Option<i64> {
        divide_round(
            self.mantissa,
            10_i128.checked_pow(self.scale)?.checked_mul(i128::from(parts))?,
        )
    }

    /// To a whole number, half away from zero.
    pub(crate) fn rounded(self) -> Option<i64> {
        self.rounded_over(1)
    }

    /// The whole number that it is; `None` where it is none.
    pub(crate) fn whole(self) -> Option<i64> {
        let unit = 10_i128.checked_pow(self.scale)?;
        if self.mantissa % unit != 0 {
            return None;
        }
        i64::try_from(self.mantissa / unit).ok()
    }

    /// -1, 0 or 1.
    pub(crate) fn sign(self) -> i128 {
        self.mantissa.signum()
    }

    pub(crate) fn abs(self) -> Self {
        Self { mantissa: self.mantissa.abs(), scale: self.scale }
    }
}

/// `a / b`, half away from zero.
fn divide_round(a: i128, b: i128) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    let rest = a.checked_rem(b)?;
    let up = rest.unsigned_abs() >= b.unsigned_abs() - rest.unsigned_abs();
    let away = if (a < 0) == (b < 0) { 1 } else { -1 };
    i64::try_from(if rest != 0 && up { quotient + away } else { quotient }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: NumberForm = NumberForm { point: b'.', group: None };
    const ITALIAN: NumberForm = NumberForm { point: b',', group: Some(b'.') };

    fn cents(text: &str, form: NumberForm) -> Option<i64> {
        Decimal::read(text, form)?.shifted(2)?.rounded()
    }

    #[test]
    fn money_is_read_exactly_and_rounded_half_away_from_zero() {
        assert_eq!(cents("3.86", PLAIN), Some(386));
        assert_eq!(cents("0.005", PLAIN), Some(1));
        assert_eq!(cents("-0.005", PLAIN), Some(-1));
        assert_eq!(cents("-0.0049", PLAIN), Some(0));
        assert_eq!(cents("4.440892e-16", PLAIN), Some(0));
        assert_eq!(cents("1E2", PLAIN), Some(10_000));
        assert_eq!(cents(" +7 ", PLAIN), Some(700));
        assert_eq!(cents("1.234,50", ITALIAN), Some(123_450));
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", " ", "-", ".", "1.2.3", "1,2", "abc", "1e", "NaN", "inf", "0x10", "1 2"] {
            assert_eq!(cents(text, PLAIN), None, "{text}");
        }
        assert_eq!(cents("1,2.3", ITALIAN), None);
        assert_eq!(cents(&"9".repeat(40), PLAIN), None);
        assert_eq!(cents("1e400", PLAIN), None);
        assert_eq!(cents("1e-2000000000", PLAIN), None);
    }

    #[test]
    fn arithmetic_keeps_every_digit() {
        let number = |text| Decimal::read(text, PLAIN).unwrap();
        assert_eq!(number("3.86").plus(number("0.435")), Some(number("4.295")));
        assert_eq!(number("4.295").times(-3), Some(number("-12.885")));
        assert_eq!(number("10").rounded_over(3), Some(3));
        assert_eq!(number("10").rounded_over(4), Some(3));
        assert_eq!(number("0.43").ratio(number("4.29"), 10_000), Some(1_002));
        assert_eq!(number("1").ratio(Decimal::ZERO, 10_000), None);
        assert_eq!(number("2.00").whole(), Some(2));
        assert_eq!(number("2.50").whole(), None);
    }
}
