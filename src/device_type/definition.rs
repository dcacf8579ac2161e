//! A device type, read and ready to be used.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use regex::bytes::Regex;

use super::action::Action;
use super::command::CommandRule;
use super::format::FieldRef;
use super::judge::ReplySpec;
use super::param::ParamSpec;
use super::settings::Link;
use super::simulated::Simulation;
use super::template::{Holes, Template, TemplateError};
use super::vector::Vector;
use crate::model::TimingOverrides;

/// How to talk to one kind of device.
#[derive(Debug)]
pub struct DeviceType {
    /// `lg-rs232`.
    pub name: Arc<str>,
    /// What it is, for people.
    pub title: Arc<str>,
    /// The manual and section it was written from.
    pub source: Option<Arc<str>>,
    /// The TCP port where an address names none.
    pub port: Option<u16>,
    /// The parameters a device of this type may have, in the order of the file.
    pub params: Vec<ParamSpec>,
    /// The parameter that tells the devices of one gateway apart (`set_id`); without one a gateway has one device.
    pub unit_param: Option<Arc<str>>,
    /// The field of a request that names the unit, if there is one.
    pub unit_field: Option<FieldRef>,
    /// How its devices are connected to.
    pub link: Link,
    /// The type's own times and retries.
    pub timing: TimingOverrides,
    /// What surrounds a body on the wire.
    pub send: SendSpec,
    /// How replies are framed and judged.
    pub replies: Vec<ReplySpec>,
    /// What is true of which commands, in the order in which they are tried.
    pub commands: Vec<CommandRule>,
    /// Where it was read from.
    pub origin: Origin,
    pub(super) actions: Vec<Action>,
    pub(super) simulation: Option<Simulation>,
    pub(super) vectors: Vec<Vector>,
}

/// Where a type was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// It is part of the program.
    BuiltIn,
    /// A user's file.
    File(PathBuf),
}

impl fmt::Display for Origin {
    /// `built-in`, or the file's path.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn => f.write_str("built-in"),
            Self::File(path) => path.display().fmt(f),
        }
    }
}

/// What surrounds a body on the wire, and how any body is read.
#[derive(Debug, Default)]
pub struct SendSpec {
    /// Bytes before the body.
    pub prefix: Box<[u8]>,
    /// Bytes after the body.
    pub suffix: Box<[u8]>,
    /// Takes a body apart into fields.
    pub fields: Option<Regex>,
}

impl DeviceType {
    /// The declaration of a parameter.
    pub fn param(&self, name: &str) -> Option<&ParamSpec> {
        self.params.iter().find(|param| &*param.name == name)
    }

    /// Its actions, in the order of the file.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        self.actions.iter()
    }

    /// The action of a name.
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.iter().find(|action| &*action.name == name)
    }

    /// What a simulated device of this type does; without it the type cannot be simulated.
    pub fn simulation(&self) -> Option<&Simulation> {
        self.simulation.as_ref()
    }

    /// The proof that the file describes its device.
    pub fn vectors(&self) -> &[Vector] {
        &self.vectors
    }

    /// Reads a `--cmd` text: escapes, and `{parameters}` of this type.
    ///
    /// # Errors
    /// With the place in the text.
    pub fn template(&self, text: &str) -> Result<Template, TemplateError> {
        let known: Vec<&str> = self.params.iter().map(|param| &*param.name).collect();
        Template::parse(text, Holes { known: &known, what: "parameter", formats: false })
    }
}
