//! Numbers as tar archives write them.

/// A decimal number without sign or space.
pub(super) fn decimal(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0u64, |number, &digit| {
        number.checked_mul(10)?.checked_add(digit.is_ascii_digit().then(|| u64::from(digit - b'0'))?)
    })
}

/// A number field of a tar header: octal digits, or base 256 behind a byte `0x80`.
pub(super) fn numeric(field: &[u8]) -> Option<u64> {
    let (high, low) = field.split_at(field.len().checked_sub(8)?);
    if high.first()? & 0x80 != 0 {
        let fits = high[0] == 0x80 && high[1..].iter().all(|&b| b == 0);
        return fits.then(|| low.iter().fold(0, |number, &byte| number << 8 | u64::from(byte)));
    }
    let text = field.split(|&b| b == 0).next()?.trim_ascii();
    text.iter().try_fold(0u64, |number, &digit| {
        (b'0'..=b'7').contains(&digit).then(|| number.checked_mul(8)?.checked_add(u64::from(digit - b'0')))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_octal_or_base_256() {
        assert_eq!(numeric(b"00000000017\0"), Some(15));
        assert_eq!(numeric(b"        17 \0"), Some(15));
        assert_eq!(numeric(b"\x80\0\0\0\0\0\0\x05\0\0\0\0"), Some(5 << 32));
        assert_eq!(numeric(b"\x80\0\0\x01\0\0\0\0\0\0\0\0"), None, "past 64 bits");
        assert_eq!(numeric(b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), None, "negative");
        assert_eq!(numeric(b"0000000008x\0"), None);
    }
}
