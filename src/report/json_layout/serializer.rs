//! Writes what serde describes as JSON in our layout.
//!
//! A report is made of the same few keys and short texts a million times over, so everything goes into one growing
//! buffer: keys of structures as they are, which are Rust names and need no escape, texts with one look for what does.
//! Numbers are left to `serde_json`. The tests hold the result against it, byte for byte.

use std::fmt::{self, Display, Write as _};
use std::io::Write;

use serde::Serialize;
use serde::ser::{self, Error as _, Impossible};
use serde_json::Error;

use super::string::{push_string, push_within};

/// Gathered bytes are passed on when they are this many.
pub(super) const FULL: usize = 64 * 1024;

/// Where a document is written.
pub(super) struct Serializer<'a> {
    /// What was not passed on yet.
    pub(super) gathered: &'a mut Vec<u8>,
    /// Takes over what was gathered; without it everything stays in `gathered`.
    pub(super) out: Option<&'a mut dyn Write>,
    /// How many containers are open.
    pub(super) depth: usize,
}

/// How the members of a container are set apart.
#[derive(Clone, Copy)]
enum Layout {
    /// The document itself: a line per member.
    Document,
    /// A list in the document: a line per element.
    List,
    /// Everything deeper: all on one line.
    Inline,
}

/// A container that is being written.
pub(super) struct Container<'s, 'a> {
    serializer: &'s mut Serializer<'a>,
    layout: Layout,
    is_empty: bool,
    close: u8,
}

impl<'a> Serializer<'a> {
    fn list(&mut self) -> Container<'_, 'a> {
        let layout = if self.depth == 1 { Layout::List } else { Layout::Inline };
        self.open(layout, b'[', b']')
    }

    fn map(&mut self) -> Container<'_, 'a> {
        self.open(Layout::Inline, b'{', b'}')
    }

    fn open(&mut self, layout: Layout, open: u8, close: u8) -> Container<'_, 'a> {
        let layout = if self.depth == 0 { Layout::Document } else { layout };
        self.depth += 1;
        self.gathered.push(open);
        Container { serializer: self, layout, is_empty: true, close }
    }

    fn number(&mut self, number: &impl Serialize) -> Result<(), Error> {
        serde_json::to_writer(&mut *self.gathered, number)
    }

    /// Passes on what was gathered.
    pub(super) fn pass_on(&mut self) -> Result<(), Error> {
        if let Some(out) = &mut self.out {
            out.write_all(self.gathered).map_err(Error::io)?;
            self.gathered.clear();
        }
        Ok(())
    }
}

impl Container<'_, '_> {
    #[inline]
    fn separate(&mut self) -> Result<(), Error> {
        if matches!((self.layout, self.is_empty), (Layout::Inline, false)) {
            self.serializer.gathered.extend_from_slice(b", ");
            Ok(())
        } else {
            self.begin_line()
        }
    }

    /// Before a member with its own line, and before the first of those on one line.
    fn begin_line(&mut self) -> Result<(), Error> {
        let is_first = std::mem::replace(&mut self.is_empty, false);
        let line: &[u8] = match self.layout {
            Layout::Document => b"\n  ",
            Layout::List => b"\n    ",
            Layout::Inline => return Ok(()),
        };
        if !is_first {
            self.serializer.gathered.push(b',');
        }
        self.serializer.gathered.extend_from_slice(line);
        if self.serializer.gathered.len() >= FULL { self.serializer.pass_on() } else { Ok(()) }
    }

    fn member(&mut self, value: &(impl Serialize + ?Sized)) -> Result<(), Error> {
        self.separate()?;
        value.serialize(&mut *self.serializer)
    }

    fn close(self) {
        let Serializer { gathered, depth, .. } = self.serializer;
        match self.layout {
            Layout::Document => gathered.extend_from_slice(b"\n"),
            Layout::List => gathered.extend_from_slice(b"\n  "),
            Layout::Inline => {}
        }
        gathered.push(self.close);
        *depth -= 1;
    }
}

/// No document of ours has such a thing, so there is no form for it.
fn unknown<T>() -> Result<T, Error> {
    Err(Error::custom("a tuple struct, or an enum variant with content, has no place in a document"))
}

macro_rules! numbers {
    ($($method:ident($number:ty)),*) => {
        $(fn $method(self, number: $number) -> Result<(), Error> {
            self.number(&number)
        })*
    };
}

impl<'s, 'a> ser::Serializer for &'s mut Serializer<'a> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Container<'s, 'a>;
    type SerializeTuple = Container<'s, 'a>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Container<'s, 'a>;
    type SerializeStruct = Container<'s, 'a>;
    type SerializeStructVariant = Impossible<(), Error>;

    numbers!(serialize_i8(i8), serialize_i16(i16), serialize_i32(i32), serialize_i64(i64));
    numbers!(serialize_u8(u8), serialize_u16(u16), serialize_u32(u32), serialize_u64(u64));
    numbers!(serialize_f32(f32), serialize_f64(f64));

    fn serialize_bool(self, is_true: bool) -> Result<(), Error> {
        self.gathered.extend_from_slice(if is_true { b"true" } else { b"false" });
        Ok(())
    }

    fn serialize_char(self, c: char) -> Result<(), Error> {
        self.serialize_str(c.encode_utf8(&mut [0; 4]))
    }

    fn serialize_str(self, text: &str) -> Result<(), Error> {
        push_string(self.gathered, text);
        Ok(())
    }

    fn collect_str<T: Display + ?Sized>(self, value: &T) -> Result<(), Error> {
        struct Within<'b>(&'b mut Vec<u8>);
        impl fmt::Write for Within<'_> {
            fn write_str(&mut self, piece: &str) -> fmt::Result {
                push_within(self.0, piece);
                Ok(())
            }
        }
        self.gathered.push(b'"');
        write!(Within(self.gathered), "{value}").map_err(Error::custom)?;
        self.gathered.push(b'"');
        Ok(())
    }

    fn serialize_bytes(self, bytes: &[u8]) -> Result<(), Error> {
        self.collect_seq(bytes)
    }

    fn serialize_none(self) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), Error> {
        self.gathered.extend_from_slice(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), Error> {
        self.serialize_unit()
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Error> {
        self.serialize_str(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        unknown()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Container<'s, 'a>, Error> {
        Ok(self.list())
    }

    fn serialize_tuple(self, _: usize) -> Result<Container<'s, 'a>, Error> {
        Ok(self.list())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, Error> {
        unknown()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        unknown()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Container<'s, 'a>, Error> {
        Ok(self.map())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Container<'s, 'a>, Error> {
        Ok(self.map())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        unknown()
    }
}

impl ser::SerializeSeq for Container<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.member(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeTuple for Container<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.member(value)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeMap for Container<'_, '_> {
    type Ok = ();
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.separate()?;
        let start = self.serializer.gathered.len();
        key.serialize(&mut *self.serializer)?;
        if self.serializer.gathered.get(start) == Some(&b'"') { Ok(()) } else { Err(Error::custom("a key is a text")) }
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.serializer.gathered.extend_from_slice(b": ");
        value.serialize(&mut *self.serializer)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}

impl ser::SerializeStruct for Container<'_, '_> {
    type Ok = ();
    type Error = Error;

    #[expect(clippy::inline_always, reason = "where it stands the key is a constant, and is copied in a move or two")]
    #[inline(always)]
    fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), Error> {
        self.separate()?;
        let gathered = &mut *self.serializer.gathered;
        gathered.push(b'"');
        gathered.extend_from_slice(key.as_bytes());
        gathered.extend_from_slice(b"\": ");
        value.serialize(&mut *self.serializer)
    }

    fn end(self) -> Result<(), Error> {
        self.close();
        Ok(())
    }
}
