//! The device types that a run knows: built-in ones, then the user's own; of two with one name the later wins.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use memchr::memmem;

use super::definition::DeviceType;
use super::load::load_directory;
use super::param::{ParamKind, ParamSpec};
use super::read::read_proven;
use crate::diagnostic::{Diagnostics, Sources};

/// The type files that are part of the program, in the order of their names.
const BUILT_IN: [(&str, &str); 9] = [
    ("devantech-ds.toml", include_str!("../../config/device-types/devantech-ds.toml")),
    ("devantech-eth002.toml", include_str!("../../config/device-types/devantech-eth002.toml")),
    ("devantech-eth008.toml", include_str!("../../config/device-types/devantech-eth008.toml")),
    ("devantech-eth484.toml", include_str!("../../config/device-types/devantech-eth484.toml")),
    ("devantech-eth8020.toml", include_str!("../../config/device-types/devantech-eth8020.toml")),
    ("esc-cr.toml", include_str!("../../config/device-types/esc-cr.toml")),
    ("lg-rs232.toml", include_str!("../../config/device-types/lg-rs232.toml")),
    ("ncd-proxr.toml", include_str!("../../config/device-types/ncd-proxr.toml")),
    ("smart-home-hub.toml", include_str!("../../config/device-types/smart-home-hub.toml")),
];

/// The parameters of built-in types that hold secrets: known without reading their files.
const BUILT_IN_SECRETS: [&str; 1] = ["password"];

/// The names of the built-in types: those of their files.
pub(super) fn built_in_names() -> impl Iterator<Item = &'static str> {
    BUILT_IN.iter().filter_map(|(file, _)| file.strip_suffix(".toml"))
}

/// What a built-in type's file says without its proof, which stands behind all else: half of the text, and no run asks
/// for it.
pub(super) fn built_in_text(name: &str) -> Option<&'static str> {
    let text = built_in_file(name)?;
    memmem::find(text.as_bytes(), b"\n[[vector]]").map_or(Some(text), |proof| text.get(..proof + 1))
}

/// The text of a built-in type's file.
pub(super) fn built_in_file(name: &str) -> Option<&'static str> {
    BUILT_IN.iter().find(|(file, _)| file.strip_suffix(".toml") == Some(name)).map(|(_, text)| *text)
}

/// All known device types. A built-in one is read when it is first asked for: most runs need one of them, and reading
/// all would be most of what a run over one device costs.
#[derive(Debug, Default)]
pub struct Catalog {
    types: Vec<Known>,
}

#[derive(Debug)]
enum Known {
    /// A type that is part of the program; its file has no mistakes, which a test proves.
    BuiltIn { name: &'static str, read: OnceLock<Option<Arc<DeviceType>>> },
    /// A user's.
    Own(Arc<DeviceType>),
}

impl Known {
    fn name(&self) -> &str {
        match self {
            Self::BuiltIn { name, .. } => name,
            Self::Own(one) => &one.name,
        }
    }

    fn get(&self) -> Option<&Arc<DeviceType>> {
        match self {
            Self::BuiltIn { name, read } => read.get_or_init(|| read_built_in(name)).as_ref(),
            Self::Own(one) => Some(one),
        }
    }
}

fn read_built_in(name: &str) -> Option<Arc<DeviceType>> {
    let text = built_in_text(name)?;
    let mut sources = Sources::default();
    let mut found = Diagnostics::of_proven();
    let source = sources.add(format!("built-in {name}.toml"), text);
    let read = read_proven(text, source, &mut found);
    if found.has_errors() {
        let mistakes = crate::diagnostic::render_all(&found, &sources, false);
        tracing::error!(name, %mistakes, "a built-in device type cannot be read: please report this");
    }
    read.map(Arc::new)
}

impl Catalog {
    /// A catalog of these types; of two with one name the later wins.
    pub fn new(types: impl IntoIterator<Item = DeviceType>) -> Self {
        let mut catalog = Self::default();
        for one in types {
            catalog.add(one);
        }
        catalog
    }

    /// The built-in types, then those of the users' directories, in this order. A file with a mistake gives no type.
    pub fn load(directories: &[impl AsRef<Path>], sources: &mut Sources, diagnostics: &mut Diagnostics) -> Self {
        let built_in = |name| Known::BuiltIn { name, read: OnceLock::new() };
        let mut catalog = Self { types: built_in_names().map(built_in).collect() };
        for directory in directories {
            for one in load_directory(directory.as_ref(), sources, diagnostics) {
                catalog.add(one);
            }
        }
        catalog
    }

    fn add(&mut self, one: DeviceType) {
        self.types.retain(|known| known.name() != &*one.name);
        self.types.push(Known::Own(Arc::new(one)));
    }

    /// The type of a name.
    pub fn get(&self, name: &str) -> Option<&Arc<DeviceType>> {
        self.types.iter().find(|known| known.name() == name)?.get()
    }

    /// The names of all types.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.types.iter().map(Known::name)
    }

    /// All types.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<DeviceType>> {
        self.types.iter().filter_map(Known::get)
    }

    /// The names of all parameters that hold secrets, in any type.
    pub fn secret_params(&self) -> impl Iterator<Item = &str> {
        let own = self.types.iter().filter_map(|known| match known {
            Known::BuiltIn { .. } => None,
            Known::Own(one) => Some(one.secret_params()),
        });
        BUILT_IN_SECRETS.into_iter().chain(own.flatten())
    }
}

impl DeviceType {
    /// The names of its parameters that hold secrets.
    fn secret_params(&self) -> impl Iterator<Item = &str> {
        let is_secret = |param: &&ParamSpec| matches!(param.kind, ParamKind::Secret { .. });
        self.params.iter().filter(is_secret).map(|param| &*param.name)
    }
}

#[cfg(test)]
impl Catalog {
    /// The built-in types, for tests: they have no mistakes.
    pub(crate) fn built_in() -> Self {
        let none: [&Path; 0] = [];
        Self::load(&none, &mut Sources::default(), &mut Diagnostics::default())
    }

    /// The same, each with its proof: what `types check` would read.
    pub(crate) fn built_in_with_proof() -> impl Iterator<Item = Arc<DeviceType>> {
        BUILT_IN.into_iter().map(|(_, text)| Arc::new(DeviceType::from_text(text)))
    }
}

#[cfg(test)]
impl DeviceType {
    /// A type from the text of its file, for tests.
    pub(crate) fn from_text(text: &str) -> Self {
        let mut sources = Sources::default();
        let source = sources.add("type.toml", text);
        let mut found = Diagnostics::default();
        let read = super::read_type(text, source, super::Origin::BuiltIn, &mut found);
        read.unwrap_or_else(|| panic!("{}", crate::diagnostic::render_all(&found, &sources, false)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(files: &[(&str, &str)]) -> (Catalog, Vec<String>) {
        let directory = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(directory.path().join(name), text).unwrap();
        }
        let mut found = Diagnostics::default();
        let catalog = Catalog::load(&[directory.path()], &mut Sources::default(), &mut found);
        let shown = directory.path().display().to_string();
        (catalog, found.iter().map(|one| one.message.replace(&shown, "DIR")).collect())
    }

    #[test]
    fn the_built_in_types_have_no_mistakes_and_the_names_of_their_files() {
        for (file, text) in BUILT_IN {
            let mut sources = Sources::default();
            let mut found = Diagnostics::default();
            let source = sources.add(file, text);
            let read = super::super::read_type(text, source, super::super::Origin::BuiltIn, &mut found);
            assert!(found.is_empty(), "{}", crate::diagnostic::render_all(&found, &sources, false));
            assert_eq!(format!("{}.toml", read.unwrap().name), file);
        }
        assert_eq!(Catalog::built_in().iter().count(), BUILT_IN.len());
    }

    #[test]
    fn a_run_reads_all_of_a_built_in_type_but_its_proof() {
        for name in built_in_names() {
            let mut whole: toml::Table = built_in_file(name).unwrap().parse().unwrap();
            assert!(whole.remove("vector").is_some(), "{name}");
            assert_eq!(built_in_text(name).unwrap().parse::<toml::Table>().unwrap(), whole, "{name}");
        }
    }

    #[test]
    fn the_secrets_of_built_in_types_are_those_that_their_files_declare() {
        let catalog = Catalog::built_in();
        let mut declared: Vec<&str> = catalog.iter().flat_map(|one| one.secret_params()).collect();
        declared.sort_unstable();
        declared.dedup();
        assert_eq!(declared, BUILT_IN_SECRETS);
    }

    #[test]
    fn a_users_type_takes_the_place_of_a_built_in_one_of_its_name() {
        let (catalog, mistakes) = load(&[
            ("lg.toml", "name = \"lg-rs232\"\ntitle = \"ours\"\n"),
            ("other.toml", "name = \"other\"\ntitle = \"O\"\nport = 99\n"),
            ("notes.txt", "no type"),
        ]);
        assert_eq!(mistakes, [""; 0]);
        let last: Vec<&str> = catalog.names().skip(BUILT_IN.len() - 1).collect();
        assert_eq!(last, ["lg-rs232", "other"]);
        let lg = catalog.get("lg-rs232").unwrap();
        assert_eq!(&*lg.title, "ours");
        assert!(lg.origin.to_string().ends_with("/lg.toml"), "{}", lg.origin);
        assert_eq!(catalog.get("other").unwrap().port, Some(99));
        assert_eq!(Catalog::built_in().get("lg-rs232").unwrap().origin.to_string(), "built-in");
    }

    #[test]
    fn all_files_with_mistakes_are_reported_and_the_built_in_types_stay() {
        let (catalog, mistakes) = load(&[
            ("a.toml", "name = \"a\"\n"),
            ("b.toml", "name = \"b\"\ntitle = \"B\"\nprot = 1\n"),
            ("c.toml", "name = \"c\"\ntitle = \"C\"\n"),
            ("d.toml", "name = \"c\"\ntitle = \"D\"\n"),
        ]);
        assert_eq!(
            mistakes,
            [
                "a device type has no `title`",
                "unknown key `prot` in a device type",
                "`DIR/d.toml` describes device type `c` once more",
            ]
        );
        assert!(catalog.names().eq(built_in_names().chain(["c"])));
    }

    #[test]
    fn a_directory_that_cannot_be_read_is_a_mistake() {
        let mut found = Diagnostics::default();
        Catalog::load(&["/no/such/directory"], &mut Sources::default(), &mut found);
        assert!(found.has_errors());
    }
}
