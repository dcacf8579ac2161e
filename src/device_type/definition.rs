//! A device type, read and ready to be used.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use super::action::Action;
use super::command::CommandRule;
use super::expression::Expression;
use super::format::FieldRef;
use super::judge::ReplySpec;
use super::late::{Actions, LateSimulation};
use super::login::LoginSpec;
use super::param::ParamSpec;
use super::pattern::Pattern;
use super::settings::Link;
use super::simulated::Simulation;
use super::template::{Holes, Template, TemplateError};
use super::vector::Vector;
use crate::codec::Layout;
use crate::model::{Params, TimingOverrides};

/// How to talk to one kind of device.
#[derive(Debug)]
pub struct DeviceType {
    /// `lg-rs232`.
    pub name: Arc<str>,
    /// What it is, for people.
    pub title: Arc<str>,
    /// The manual and section it was written from.
    pub source: Option<Arc<str>>,
    /// What of it no source confirms, for people.
    pub unconfirmed: Option<Arc<str>>,
    /// Whether it speaks text; else commands are written in hex.
    pub is_text: bool,
    /// An action that only asks and does no harm, for finding out whether a device is well.
    pub probe: Option<Arc<str>>,
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
    pub(super) login: Option<LoginSpec>,
    /// Whether some command or action has an `only_if`.
    pub(super) has_conditions: bool,
    /// The types that take this one's place for devices of which an expression holds.
    pub(super) variants: Vec<(Expression, Arc<DeviceType>)>,
    pub(super) actions: Actions,
    pub(super) simulation: LateSimulation,
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
    /// `frame` as the file says it; empty where it does not.
    pub text: Arc<str>,
    /// The parts of a frame.
    pub layout: Layout,
    /// Takes a body apart into fields.
    pub fields: Option<Pattern>,
    /// What no body may hold, since the device would take it for the end of the command.
    pub never: Option<Pattern>,
}

impl DeviceType {
    /// The declaration of a parameter.
    pub fn param(&self, name: &str) -> Option<&ParamSpec> {
        self.params.iter().find(|param| &*param.name == name)
    }

    /// Its actions, in the order of the file.
    pub fn actions(&self) -> impl Iterator<Item = &Action> {
        (0..self.actions.len()).filter_map(|place| self.actions.get(place, self))
    }

    /// The action of a name.
    pub fn action(&self, name: &str) -> Option<&Action> {
        self.actions.get(self.actions.position(name)?, self)
    }

    /// What a simulated device of this type does; without it the type cannot be simulated.
    pub fn simulation(&self) -> Option<&Simulation> {
        self.simulation.get(self)
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
        Template::parse(text, Holes { known: &known, what: "parameter", formats: false, is_text: self.is_text })
    }

    /// The type as it is for a device with these parameters: the first variant whose condition holds, else itself.
    /// Everything else is asked of that type.
    #[must_use]
    pub fn effective(self: &Arc<Self>, params: &Params) -> Arc<Self> {
        let holds = |when: &Expression| when.number(&|name| self.operand(name, None, params)).is_ok_and(|it| it != 0);
        let found = self.variants.iter().find(|(when, _)| holds(when));
        found.map_or(self, |(_, variant)| variant).clone()
    }
}
