//! The rule as `docs/pouf.md` writes it, worked out slowly with integers of any size: nothing of `uptane`, nothing of
//! the curve arithmetic below it.

use num_bigint::BigUint;
use sha2::{Digest as _, Sha512};

/// The numbers of RFC 8032 §5.1.
pub(super) struct Curve {
    p: BigUint,
    l: BigUint,
    d: BigUint,
    /// A square root of −1.
    i: BigUint,
    base: Point,
}

/// x = X/Z, y = Y/Z, and x·y = T/Z.
#[derive(Clone)]
struct Point {
    x: BigUint,
    y: BigUint,
    z: BigUint,
    t: BigUint,
}

impl Curve {
    pub(super) fn new() -> Self {
        let number = |value: u32| BigUint::from(value);
        let p = (number(1_u32) << 255) - number(19_u32);
        let l = (number(1_u32) << 252) + BigUint::parse_bytes(ORDER_REST, 10).unwrap_or_default();
        let invert = |value: BigUint| value.modpow(&(&p - 2_u32), &p);
        let d = (&p - number(121_665_u32)) * invert(number(121_666_u32)) % &p;
        let i = number(2_u32).modpow(&((&p - 1_u32) >> 2), &p);
        let y = number(4_u32) * invert(number(5_u32)) % &p;
        let base = Point { x: number(0_u32), y: number(1_u32), z: number(1_u32), t: number(0_u32) };
        let mut curve = Self { p, l, d, i, base };
        if let Some(x) = curve.x_of(&y, false) {
            curve.base = curve.affine(x, y);
        }
        curve
    }

    /// Whether the rule accepts.
    pub(super) fn accepts(&self, key: &[u8], message: &[u8], signature: &[u8]) -> bool {
        let Some((r_bytes, s_bytes)) = signature.split_at_checked(32).filter(|(_, s)| s.len() == 32) else {
            return false;
        };
        // S is below the group order.
        let s = BigUint::from_bytes_le(s_bytes);
        if s >= self.l {
            return false;
        }
        // A and R are encoded canonically, and not of small order.
        let (Some(a), Some(r)) = (self.decode(key), self.decode(r_bytes)) else {
            return false;
        };
        if self.is_of_small_order(&a) || self.is_of_small_order(&r) {
            return false;
        }
        // S·B = R + k·A, without the cofactor.
        let hash = Sha512::new().chain_update(r_bytes).chain_update(key).chain_update(message).finalize();
        let k = BigUint::from_bytes_le(&hash) % &self.l;
        self.is_same(&self.times(&s, &self.base), &self.add(&r, &self.times(&k, &a)))
    }

    fn decode(&self, bytes: &[u8]) -> Option<Point> {
        let mut y = BigUint::from_bytes_le(bytes);
        let sign = y.bit(255);
        y.set_bit(255, false);
        if bytes.len() != 32 || y >= self.p {
            return None;
        }
        let x = self.x_of(&y, sign)?;
        Some(self.affine(x, y))
    }

    /// The x with this last bit that goes with y; none if there is none.
    fn x_of(&self, y: &BigUint, sign: bool) -> Option<BigUint> {
        let p = &self.p;
        let (u, v) = ((y * y + p - 1_u8) % p, (&self.d * y * y + 1_u8) % p);
        // x² = u/v, and a candidate for the root of q is q^((p+3)/8).
        let square = u * v.modpow(&(p - 2_u8), p) % p;
        let candidate = square.modpow(&((p + 3_u8) >> 3), p);
        let root = [candidate.clone(), candidate * &self.i % p].into_iter().find(|root| root * root % p == square)?;
        let zero = BigUint::ZERO;
        match (root == zero, root.bit(0) == sign) {
            (true, _) => (!sign).then_some(zero),
            (false, true) => Some(root),
            (false, false) => Some(p - root),
        }
    }

    fn affine(&self, x: BigUint, y: BigUint) -> Point {
        let t = &x * &y % &self.p;
        Point { x, y, z: BigUint::from(1_u8), t }
    }

    /// RFC 8032 §5.1.4, good for any two points.
    fn add(&self, one: &Point, two: &Point) -> Point {
        let p = &self.p;
        let minus = |from: &BigUint, what: &BigUint| (from + p - what) % p;
        let a = minus(&one.y, &one.x) * minus(&two.y, &two.x) % p;
        let b = (&one.y + &one.x) * (&two.y + &two.x) % p;
        let c = &one.t * &two.t * &self.d * 2_u8 % p;
        let d = &one.z * &two.z * 2_u8 % p;
        let (e, f, g, h) = (minus(&b, &a), minus(&d, &c), (&d + &c) % p, (&b + &a) % p);
        Point { x: &e * &f % p, y: &g * &h % p, z: &f * &g % p, t: &e * &h % p }
    }

    fn times(&self, scalar: &BigUint, point: &Point) -> Point {
        let mut sum = self.affine(BigUint::ZERO, BigUint::from(1_u8));
        for bit in (0..scalar.bits()).rev() {
            sum = self.add(&sum, &sum);
            if scalar.bit(bit) {
                sum = self.add(&sum, point);
            }
        }
        sum
    }

    fn is_of_small_order(&self, point: &Point) -> bool {
        self.is_same(&self.times(&BigUint::from(8_u8), point), &self.affine(BigUint::ZERO, BigUint::from(1_u8)))
    }

    fn is_same(&self, one: &Point, two: &Point) -> bool {
        let same = |a: &BigUint, b: &BigUint| (a * &two.z + &self.p * &self.p - b * &one.z) % &self.p == BigUint::ZERO;
        same(&one.x, &two.x) && same(&one.y, &two.y)
    }
}

/// The group order is 2^252 and this.
const ORDER_REST: &[u8] = b"27742317777372353535851937790883648493";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_vector_of_rfc_8032_is_good_and_its_distortions_are_not() {
        let hex = |text: &str| BigUint::parse_bytes(text.as_bytes(), 16).unwrap().to_bytes_be();
        let key = hex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a");
        let signature = hex(concat!(
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b",
            "d25bf5f0595bbe24655141438e7a100b"
        ));
        let curve = Curve::new();
        assert!(curve.accepts(&key, b"", &signature));
        assert!(!curve.accepts(&key, b"x", &signature));
        assert!(!curve.accepts(&key, b"", signature.strip_suffix(b"\x0b").unwrap()));
        assert!(!curve.accepts(&signature[..32], b"", &signature));
    }
}
