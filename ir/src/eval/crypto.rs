//! Cryptographic ops: AES for 64-bit registers (Zkne, Zknd) and SM4 (Zksed), as in the RISC-V unprivileged manual,
//! "Cryptography Extensions: Scalar & Entropy Source Instructions".
//!
//! An AES state is two registers, low half first; its byte `4 * column + row` is the register's byte of that number.

/// The product in GF(2^8) reduced by `poly`, whose bit 8 is set.
const fn gf_mul(a: u8, b: u8, poly: u16) -> u8 {
    let (mut product, mut a, mut b) = (0, a as u16, b);
    while b != 0 {
        if b & 1 != 0 {
            product ^= a;
        }
        a <<= 1;
        if a & 0x100 != 0 {
            a ^= poly;
        }
        b >>= 1;
    }
    product as u8
}

/// The inverse in GF(2^8), and 0 for 0: the 254th power.
const fn gf_inverse(a: u8, poly: u16) -> u8 {
    let (mut result, mut square, mut i) = (1, a, 1);
    while i < 8 {
        square = gf_mul(square, square, poly);
        result = gf_mul(result, square, poly);
        i += 1;
    }
    result
}

/// The affine map of GF(2)^8 whose matrix is circulant: row `i` is `row` rotated left by `i`.
const fn affine(x: u8, row: u8, constant: u8) -> u8 {
    let (mut y, mut i) = (constant, 0);
    while i < 8 {
        y ^= ((x & row.rotate_left(i)).count_ones() as u8 & 1) << i;
        i += 1;
    }
    y
}

/// FIPS 197, 5.1.1: the inverse, then an affine map.
const AES_SBOX: [u8; 256] = {
    let (mut table, mut x) = ([0; 256], 0);
    while x < 256 {
        table[x] = affine(gf_inverse(x as u8, 0x11b), 0xf1, 0x63);
        x += 1;
    }
    table
};

/// FIPS 197, 5.3.2.
const AES_INVERSE_SBOX: [u8; 256] = {
    let (mut table, mut x) = ([0; 256], 0);
    while x < 256 {
        table[AES_SBOX[x] as usize] = x as u8;
        x += 1;
    }
    table
};

/// GB/T 32907-2016, 6.2, by its algebraic structure: the inverse between two uses of one affine map.
const SM4_SBOX: [u8; 256] = {
    let (mut table, mut x) = ([0; 256], 0);
    while x < 256 {
        let inner = affine(x as u8, 0xa7, 0xd3);
        table[x] = affine(gf_inverse(inner, 0x1f5), 0xa7, 0xd3);
        x += 1;
    }
    table
};

/// Substitutes each byte.
#[inline(always)]
fn substitute(sbox: &[u8; 256], v: u64) -> u64 {
    u64::from_le_bytes(v.to_le_bytes().map(|byte| sbox[byte as usize]))
}

/// The low two columns after rotating each row of the state left by `step` times its number.
#[inline(always)]
fn shift_rows(low: u64, high: u64, step: usize) -> u64 {
    let state = (low as u128 | (high as u128) << 64).to_le_bytes();
    u64::from_le_bytes(std::array::from_fn(|i| {
        let (column, row) = (i / 4, i % 4);
        state[(column + step * row) % 4 * 4 + row]
    }))
}

/// Applies a map of columns to both.
#[inline(always)]
fn columns(v: u64, map: fn(u32) -> u32) -> u64 {
    map(v as u32) as u64 | (map((v >> 32) as u32) as u64) << 32
}

/// Doubles each byte in AES's GF(2^8).
#[inline(always)]
fn double(w: u32) -> u32 {
    ((w & 0x7f7f_7f7f) << 1) ^ ((w >> 7 & 0x0101_0101) * 0x1b)
}

/// MixColumns, FIPS 197, 5.1.3: byte r becomes 2 s(r) + 3 s(r+1) + s(r+2) + s(r+3).
#[inline(always)]
fn mix(w: u32) -> u32 {
    let twice = double(w);
    twice ^ (twice ^ w).rotate_right(8) ^ w.rotate_right(16) ^ w.rotate_right(24)
}

/// InvMixColumns, FIPS 197, 5.3.3. Its polynomial is that of MixColumns times 4x² + 5.
#[inline(always)]
fn unmix(w: u32) -> u32 {
    mix(w ^ double(double(w ^ w.rotate_right(16))))
}

/// AES encryption, final round: the low half of the next state from its low and high half.
pub fn aes64es(a: u64, b: u64, _imm: u8) -> u64 {
    substitute(&AES_SBOX, shift_rows(a, b, 1))
}

/// AES encryption, middle round.
pub fn aes64esm(a: u64, b: u64, _imm: u8) -> u64 {
    columns(aes64es(a, b, 0), mix)
}

/// AES decryption, final round.
pub fn aes64ds(a: u64, b: u64, _imm: u8) -> u64 {
    substitute(&AES_INVERSE_SBOX, shift_rows(a, b, 3))
}

/// AES decryption, middle round.
pub fn aes64dsm(a: u64, b: u64, _imm: u8) -> u64 {
    columns(aes64ds(a, b, 0), unmix)
}

/// InvMixColumns of both columns.
pub fn aes64im(a: u64, _b: u64, _imm: u8) -> u64 {
    columns(a, unmix)
}

/// AES key schedule, S-box part; round 10 stands for a step without rotation and constant, as AES-256 has.
pub fn aes64ks1i(a: u64, _b: u64, round: u8) -> u64 {
    const ROUND_CONSTANTS: [u32; 10] = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0x1b, 0x36];
    let word = (a >> 32) as u32;
    let (word, constant) = match ROUND_CONSTANTS.get(round as usize) {
        Some(&constant) => (word.rotate_right(8), constant),
        None => (word, 0),
    };
    let word = substitute(&AES_SBOX, word as u64) as u32 ^ constant;
    word as u64 | (word as u64) << 32
}

/// AES key schedule, exclusive-or part.
pub fn aes64ks2(a: u64, b: u64, _imm: u8) -> u64 {
    let first = (a >> 32) as u32 ^ b as u32;
    let second = first ^ (b >> 32) as u32;
    first as u64 | (second as u64) << 32
}

/// The common part of the SM4 ops: byte `select` of `b` through the S-box and a linear map, added to `a`. Registers
/// hold words in the order of memory; the standard's maps are on words with the most significant byte first.
#[inline(always)]
fn sm4(a: u64, b: u64, select: u8, linear: fn(u32) -> u32) -> u64 {
    let shift = (select & 3) as u32 * 8;
    let byte = SM4_SBOX[(b >> shift) as u8 as usize];
    let mapped = linear((byte as u32).swap_bytes()).swap_bytes().rotate_left(shift);
    (a as u32 ^ mapped) as i32 as i64 as u64
}

/// SM4 encryption and decryption. GB/T 32907-2016, 6.2.2.
pub fn sm4ed(a: u64, b: u64, select: u8) -> u64 {
    sm4(a, b, select, |w| w ^ w.rotate_left(2) ^ w.rotate_left(10) ^ w.rotate_left(18) ^ w.rotate_left(24))
}

/// SM4 key schedule. GB/T 32907-2016, 7.3.
pub fn sm4ks(a: u64, b: u64, select: u8) -> u64 {
    sm4(a, b, select, |w| w ^ w.rotate_left(13) ^ w.rotate_left(23))
}

#[cfg(test)]
mod tests {
    use super::*;

    type State = [u64; 2];

    fn state(hex: u128) -> State {
        let bytes = hex.to_be_bytes();
        [0, 8].map(|i| u64::from_le_bytes(std::array::from_fn(|k| bytes[i + k])))
    }

    fn hex(s: State) -> u128 {
        (s[0].swap_bytes() as u128) << 64 | s[1].swap_bytes() as u128
    }

    fn add(a: State, b: State) -> State {
        [a[0] ^ b[0], a[1] ^ b[1]]
    }

    /// One round through an instruction that gives half a state.
    fn round(op: fn(u64, u64, u8) -> u64, s: State) -> State {
        [op(s[0], s[1], 0), op(s[1], s[0], 0)]
    }

    /// The key schedule of AES-128, as the manual's instructions are meant to be used.
    fn expand_128(key: State) -> Vec<State> {
        let mut keys = vec![key];
        for i in 0..10 {
            let last = keys[i];
            let low = aes64ks2(aes64ks1i(last[1], 0, i as u8), last[0], 0);
            keys.push([low, aes64ks2(low, last[1], 0)]);
        }
        keys
    }

    /// The key schedule of AES-256.
    fn expand_256(key: [State; 2]) -> Vec<State> {
        let mut keys = key.to_vec();
        for i in 0..13 {
            // Every other step goes without rotation and constant.
            let number = if i % 2 == 0 { i as u8 / 2 } else { 10 };
            let (older, last) = (keys[i], keys[i + 1]);
            let low = aes64ks2(aes64ks1i(last[1], 0, number), older[0], 0);
            keys.push([low, aes64ks2(low, older[1], 0)]);
        }
        keys
    }

    fn encrypt(keys: &[State], plain: State) -> State {
        let (last, middle) = keys[1..].split_last().unwrap();
        let s = middle.iter().fold(add(plain, keys[0]), |s, &key| add(round(aes64esm, s), key));
        add(round(aes64es, s), *last)
    }

    /// The equivalent inverse cipher, FIPS 197, 5.3.5.
    fn decrypt(keys: &[State], cipher: State) -> State {
        let (last, earlier) = keys.split_last().unwrap();
        let s = earlier[1..]
            .iter()
            .rev()
            .fold(add(cipher, *last), |s, key| add(round(aes64dsm, s), key.map(|half| aes64im(half, 0, 0))));
        add(round(aes64ds, s), keys[0])
    }

    #[test]
    fn s_boxes() {
        assert_eq!(AES_SBOX[..4], [0x63, 0x7c, 0x77, 0x7b]);
        assert_eq!((AES_SBOX[0x53], AES_SBOX[0xff]), (0xed, 0x16));
        assert_eq!(AES_INVERSE_SBOX[0xed], 0x53);
        assert_eq!(SM4_SBOX[..8], [0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7]);
        assert_eq!((SM4_SBOX[0xef], SM4_SBOX[0xff]), (0x84, 0x48));
    }

    #[test]
    fn aes_128_of_fips_197() {
        // Appendix A.1: the first and the last round key of the expansion.
        let keys = expand_128(state(0x2b7e151628aed2a6abf7158809cf4f3c));
        assert_eq!(hex(keys[1]), 0xa0fafe1788542cb123a339392a6c7605);
        assert_eq!(hex(keys[10]), 0xd014f9a8c9ee2589e13f0cc8b6630ca6);
        // Appendix B.
        let (plain, cipher) = (0x3243f6a8885a308d313198a2e0370734, 0x3925841d02dc09fbdc118597196a0b32);
        assert_eq!(hex(encrypt(&keys, state(plain))), cipher);
        assert_eq!(hex(decrypt(&keys, state(cipher))), plain);
    }

    #[test]
    fn aes_256_of_fips_197() {
        // Appendix C.3.
        let keys = expand_256([state(0x000102030405060708090a0b0c0d0e0f), state(0x101112131415161718191a1b1c1d1e1f)]);
        let (plain, cipher) = (0x00112233445566778899aabbccddeeff, 0x8ea2b7ca516745bfeafc49904b496089);
        assert_eq!(hex(encrypt(&keys, state(plain))), cipher);
        assert_eq!(hex(decrypt(&keys, state(cipher))), plain);
    }

    /// One step of SM4 on four words in the order of memory: four instructions, one for each byte.
    fn sm4_step(op: fn(u64, u64, u8) -> u64, x: &mut [u32; 4], key: u32) {
        let mixed = (x[1] ^ x[2] ^ x[3] ^ key) as u64;
        let new = (0..4).fold(x[0] as u64, |acc, select| op(acc, mixed, select)) as u32;
        *x = [x[1], x[2], x[3], new];
    }

    fn sm4_words(hex: u128) -> [u32; 4] {
        std::array::from_fn(|i| ((hex >> (96 - 32 * i)) as u32).swap_bytes())
    }

    /// Encrypts one block; the output takes the last four words in reverse order.
    fn sm4_encrypt(keys: &[u32], plain: u128) -> u128 {
        let mut x = sm4_words(plain);
        keys.iter().for_each(|&key| sm4_step(sm4ed, &mut x, key));
        x.iter().rev().fold(0, |all, w| all << 32 | w.swap_bytes() as u128)
    }

    #[test]
    fn sm4_of_the_standard() {
        // Appendix A.1: key and plain text are equal.
        let text = 0x0123456789abcdeffedcba9876543210;
        let system = sm4_words(0xa3b1bac656aa3350677d9197b27022dc);
        let key = sm4_words(text);
        let mut k: [u32; 4] = std::array::from_fn(|i| key[i] ^ system[i]);
        let mut keys = Vec::new();
        for i in 0..32 {
            // The bytes of CK are the multiples of 7.
            let constant = u32::from_le_bytes(std::array::from_fn(|j| (4 * i + j as u8).wrapping_mul(7)));
            sm4_step(sm4ks, &mut k, constant);
            keys.push(k[3]);
        }
        assert_eq!(keys[0].swap_bytes(), 0xf12186f9);
        let cipher = sm4_encrypt(&keys, text);
        assert_eq!(cipher, 0x681edf34d206965e86b3e94f536e4246);
        keys.reverse();
        assert_eq!(sm4_encrypt(&keys, cipher), text);
    }

    #[test]
    fn results_are_sign_extended_words_for_sm4() {
        let results = (0..64).map(|i| sm4ed(0, i, 0)).chain((0..64).map(|i| sm4ks(!0, i, 3)));
        let (negative, positive): (Vec<u64>, Vec<u64>) = results.partition(|r| (*r as i32) < 0);
        assert!(negative.iter().all(|r| r >> 31 == 0x1_ffff_ffff) && !negative.is_empty());
        assert!(positive.iter().all(|r| r >> 31 == 0) && !positive.is_empty());
    }
}
