//! Bytes that are kept for every device of a run, where most are few.
//!
//! A million replies of ten bytes each would be a million blocks on the heap, three times their size: so a short one
//! stands where it is kept, in sixteen bytes.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// As many bytes need no block on the heap.
const INLINE: usize = 14;

/// Bytes that are never changed.
#[derive(Clone)]
pub struct ShortBytes(Form);

#[derive(Clone)]
enum Form {
    Inline { len: u8, bytes: [u8; INLINE] },
    Long(Box<Long>),
}

/// Behind a pointer that is half as wide as one to a slice.
#[derive(Clone)]
struct Long(Box<[u8]>);

impl Deref for ShortBytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.0 {
            Form::Inline { len, bytes } => bytes.get(..usize::from(*len)).unwrap_or_default(),
            Form::Long(long) => &long.0,
        }
    }
}

impl ShortBytes {
    fn inline(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; INLINE];
        bytes.get_mut(..from.len())?.copy_from_slice(from);
        Some(Self(Form::Inline { len: u8::try_from(from.len()).ok()?, bytes }))
    }
}

impl From<Box<[u8]>> for ShortBytes {
    fn from(bytes: Box<[u8]>) -> Self {
        Self::inline(&bytes).unwrap_or_else(|| Self(Form::Long(Box::new(Long(bytes)))))
    }
}

impl From<&[u8]> for ShortBytes {
    fn from(bytes: &[u8]) -> Self {
        Self::inline(bytes).unwrap_or_else(|| Self(Form::Long(Box::new(Long(bytes.into())))))
    }
}

impl From<Vec<u8>> for ShortBytes {
    fn from(bytes: Vec<u8>) -> Self {
        bytes.into_boxed_slice().into()
    }
}

impl fmt::Debug for ShortBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl PartialEq for ShortBytes {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for ShortBytes {}

impl Hash for ShortBytes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_any_length_are_kept_as_they_are() {
        let all: Vec<u8> = (0..=255).collect();
        for len in 0..=all.len() {
            let bytes = &all[..len];
            for kept in [ShortBytes::from(bytes), bytes.to_vec().into(), Box::<[u8]>::from(bytes).into()] {
                assert_eq!(&*kept, bytes);
                assert_eq!(kept, kept.clone());
                assert_eq!(kept == ShortBytes::from(b"\x00\x01".as_slice()), len == 2);
                assert_eq!(format!("{kept:?}"), format!("{bytes:?}"));
            }
        }
    }

    #[test]
    fn they_take_sixteen_bytes_and_a_missing_one_none_more() {
        assert_eq!((size_of::<ShortBytes>(), size_of::<Option<ShortBytes>>()), (16, 16));
    }
}
