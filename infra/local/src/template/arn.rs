//! Amazon Resource Names, formed as AWS forms them, for the one account that the local stack knows.

/// The account id of everything local: the one AWS uses in its own examples.
pub const ACCOUNT: &str = "123456789012";

/// `arn:aws:{service}:{region}:{account}:{resource}`.
pub fn arn(service: &str, region: &str, resource: &str) -> String {
    format!("arn:aws:{service}:{region}:{ACCOUNT}:{resource}")
}

/// The ARN of a secret. Secrets Manager appends a hyphen and six characters to the name; here they follow from the name,
/// so that the template's policies name the secret before it exists, and again after a restart.
pub fn secret_arn(region: &str, name: &str) -> String {
    arn("secretsmanager", region, &format!("secret:{name}-{}", tail(name, 6)))
}

/// `length` lower-case letters and digits that follow from `seed`, for ids that AWS would draw at random.
pub fn tail(seed: &str, length: usize) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    let mut state = fnv1a(seed);
    (0..length)
        .map(|_| {
            let digit = ALPHABET[(state % 36) as usize];
            state = (state / 36) ^ state.rotate_left(23);
            char::from(digit)
        })
        .collect()
}

/// FNV-1a, because `std`'s hasher may change with the compiler and these ids are on disk.
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_keeps_its_arn() {
        let arn = secret_arn("us-east-1", "innkeeper/dev/signing-keys");
        assert_eq!(arn, secret_arn("us-east-1", "innkeeper/dev/signing-keys"));
        assert!(arn.starts_with("arn:aws:secretsmanager:us-east-1:123456789012:secret:innkeeper/dev/signing-keys-"));
        assert_ne!(tail("a", 6), tail("b", 6));
        assert_eq!(tail("a", 6).len(), 6);
    }
}
