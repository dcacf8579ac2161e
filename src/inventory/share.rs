//! What many devices have in common is kept once: tags, and what a device inherits.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use super::circuits::Drawing;
use super::fleet::{CircuitIndex, Member, SiteIndex};
use super::schema::{Layer, WrittenSite};
use crate::device_type::{DeviceType, LinkOverrides};
use crate::model::TimingOverrides;

/// What tells the inheritances of devices apart: the type, the site, the circuit, and what a device says itself, if anything.
#[derive(PartialEq, Eq, Hash)]
struct Heir {
    device_type: *const DeviceType,
    site: Option<SiteIndex>,
    circuit: Option<CircuitIndex>,
    drawing: Drawing,
    own: Option<Box<(TimingOverrides, LinkOverrides)>>,
}

/// Everything that devices share.
pub(super) struct Shared<'a> {
    defaults: &'a Layer<'a, 'a>,
    sites: &'a [WrittenSite],
    tags: HashSet<Arc<[Arc<str>]>>,
    texts: HashSet<Arc<str>>,
    members: HashMap<Heir, Arc<Member>>,
    /// Room to work in.
    all: Vec<Arc<str>>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(defaults: &'a Layer<'a, 'a>, sites: &'a [WrittenSite]) -> Self {
        let (tags, texts, members) = (HashSet::new(), HashSet::new(), HashMap::new());
        Self { defaults, sites, tags, texts, members, all: Vec::new() }
    }

    /// A device's tags, those of `[defaults]` first.
    pub(super) fn tags(&mut self, own: &[&str]) -> Arc<[Arc<str>]> {
        let mut all = std::mem::take(&mut self.all);
        for tag in self.defaults.tags.iter().chain(own) {
            let tag = self.text(tag);
            // Equal texts are the same one.
            if !all.iter().any(|known| Arc::ptr_eq(known, &tag)) {
                all.push(tag);
            }
        }
        let tags = self.tags.get_or_insert_with(&*all, |all| Arc::from(all)).clone();
        all.clear();
        self.all = all;
        tags
    }

    fn text(&mut self, text: &str) -> Arc<str> {
        if let Some(known) = self.texts.get(text) {
            return known.clone();
        }
        let text: Arc<str> = text.into();
        self.texts.insert(text.clone());
        text
    }

    /// What a device of this type and site inherits under what it says itself.
    pub(super) fn member(
        &mut self,
        device_type: &Arc<DeviceType>,
        site: Option<SiteIndex>,
        circuit: Option<CircuitIndex>,
        layer: &Layer<'_, '_>,
    ) -> Arc<Member> {
        let (timing, link) = (layer.timing, layer.link);
        let says_nothing = timing == TimingOverrides::default() && link == LinkOverrides::default();
        let own = (!says_nothing).then(|| Box::new((timing, link)));
        let (defaults, sites) = (self.defaults, self.sites);
        // What nothing is drawn from tells no devices apart.
        let drawing = circuit.map_or_else(Drawing::default, |_| layer.drawing);
        let heir = Heir { device_type: Arc::as_ptr(device_type), site, circuit, drawing, own };
        let member = self.members.entry(heir).or_insert_with(|| {
            let of_site = site.and_then(|site| sites.get(site.get())).map(|site| site.timing).unwrap_or_default();
            Arc::new(Member {
                device_type: device_type.clone(),
                timing: timing.over(of_site).over(defaults.timing),
                link: link.over(defaults.link),
                site,
                draw: circuit.and_then(|circuit| drawing.over(defaults.drawing).from(circuit)),
            })
        });
        member.clone()
    }
}
