//! Deliberate bugs, for the truth oracle to find: an oracle is only as good as what it would notice.
//!
//! A line of the program that asks `tells(Lie::…)` does something wrong when that lie is planted. Nothing can be planted
//! unless the crate was compiled with `--cfg planted_lies`, which `tests/oracle/lies` alone does: in every other build
//! `tells` is a constant `false`, and the question costs nothing. A release cannot be made with it.

#[cfg(all(planted_lies, not(debug_assertions)))]
compile_error!("lies are planted only to test the oracle, never in a release");

/// The lies that can be planted, each told by one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Lie {
    /// Another unit's reply is taken for this one's.
    UnitNotCompared,
    /// The reply to another command is taken for this one's.
    CommandNotCompared,
    /// A yes that carries another value than was sent is taken.
    ValueNotCompared,
    /// An event or an echo is taken for a yes.
    SkippedFrameTaken,
    /// A no is taken for a yes.
    RefusalTaken,
    /// The beginning of a reply is taken for a yes when the time is up.
    PartialReplyTaken,
    /// The line is not listened to before a question: what came late is taken for its answer.
    LateStateTaken,
    /// A reply has half the time that it should have.
    HalfTheTime,
    /// Delivery is `none`, though the command was written and not answered.
    NoneAfterWrite,
    /// Delivery is `confirmed` by bytes that were no reply.
    ConfirmedBySilence,
    /// A command that the stream took a part of counts as not written.
    PartialWriteUncounted,
    /// A reset counts as the gateway's word that it passed nothing on.
    ResetMeansBusyGateway,
    /// A command that must not be sent twice is, after a failure.
    SecondPulse,
    /// The same in the next pass.
    PulseInNextPass,
    /// A command that must not be sent twice is written without being declared.
    NotDeclared,
    /// A panic costs a device its outcome.
    LostOnPanic,
    /// The summary counts failures as flaky, too.
    WrongCount,
    /// Two devices have each other's outcome in the report.
    NeighboursOutcome,
    /// The exit status is 0 although devices failed.
    StatusZero,
    /// A run that was stopped has completed.
    EndedCompleted,
    /// Attempts that the device answered with `busy` are not counted.
    AttemptsForgotten,
    /// A command that was not answered was never sent.
    SentForgotten,
    /// Who is being connected to when the run stops is told all the same.
    StartAfterStop,
    /// What is in flight when the run stops is waited for without end.
    GraceForgotten,
    /// A reply may come after the end of the device's own time.
    DeadlineForgotten,
    /// One more device may fail than `--max-failures` says.
    FailuresOffByOne,
    /// Devices that are held are told.
    HeldTold,
    /// Each device is a lane of its own: two connections to one gateway.
    TwoSessions,
    /// One lane more than may be at a time.
    SlotTooMany,
    /// One lane more at a site than may be there at a time.
    SiteTooMany,
    /// A circuit counts from the connection, not from the write.
    CurrentFromConnect,
    /// Turns that nobody took are taken at once.
    TurnsSavedUp,
    /// The next batch begins without a pause.
    PauseForgotten,
    /// A gateway is written to at once after its last exchange.
    GapForgotten,
    /// An acknowledgement is taken for the state.
    VerifiedUnasked,
    /// Whatever state a device shows is the wanted one.
    AnyStateRight,
    /// A device that shows any state at first is left alone.
    LeftAlone,
    /// A device that is busy is not told again.
    BusyIsFinal,
    /// Who was not reached gets no further pass.
    PassForgets,
    /// What came of a file is taken for all of it.
    ShortFileTaken,
    /// What came of a file is put in place, though it is told to have failed.
    PartPutInPlace,
    /// What came of a file that failed is left beside its place.
    PartLeft,
    /// Files that come at the same time are written into one.
    FilesMixed,
    /// What stood in a file's place is taken away before the new one is there.
    OldFileRemoved,
    /// A file may pause half as long as it should.
    HalfThePause,
    /// Bytes behind a file's announced length are saved with it.
    MoreThanAnnounced,
    /// Any file is taken, however it begins.
    BeginningNotCompared,
    /// The digest is of a file's first piece.
    DigestOfFirstPiece,
}

/// Whether this lie is planted.
#[cfg(not(planted_lies))]
pub(crate) const fn tells(_: Lie) -> bool {
    false
}

#[cfg(planted_lies)]
pub(crate) use planted::tells;
#[cfg(planted_lies)]
pub use planted::{LIES, plant, plant_named};

#[cfg(planted_lies)]
mod planted {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Lie;

    /// What is planted; `u8::MAX`: nothing.
    static PLANTED: AtomicU8 = AtomicU8::new(u8::MAX);

    /// Plants a lie in place of the one before; `None`: the truth.
    pub fn plant(lie: Option<Lie>) {
        PLANTED.store(lie.map_or(u8::MAX, |lie| lie as u8), Ordering::Relaxed);
    }

    /// Plants the lie of this name in a process that is about to begin; a name that no lie has plants none.
    pub fn plant_named(name: &str) {
        plant(LIES.iter().find(|(known, _)| *known == name).map(|(_, lie)| *lie));
    }

    /// Whether this lie is planted.
    pub(crate) fn tells(lie: Lie) -> bool {
        PLANTED.load(Ordering::Relaxed) == lie as u8
    }

    /// Every lie with its name.
    pub const LIES: &[(&str, Lie)] = &[
        ("unit-not-compared", Lie::UnitNotCompared),
        ("command-not-compared", Lie::CommandNotCompared),
        ("value-not-compared", Lie::ValueNotCompared),
        ("skipped-frame-taken", Lie::SkippedFrameTaken),
        ("refusal-taken", Lie::RefusalTaken),
        ("partial-reply-taken", Lie::PartialReplyTaken),
        ("late-state-taken", Lie::LateStateTaken),
        ("half-the-time", Lie::HalfTheTime),
        ("none-after-write", Lie::NoneAfterWrite),
        ("confirmed-by-silence", Lie::ConfirmedBySilence),
        ("partial-write-uncounted", Lie::PartialWriteUncounted),
        ("reset-means-busy-gateway", Lie::ResetMeansBusyGateway),
        ("second-pulse", Lie::SecondPulse),
        ("pulse-in-next-pass", Lie::PulseInNextPass),
        ("not-declared", Lie::NotDeclared),
        ("lost-on-panic", Lie::LostOnPanic),
        ("wrong-count", Lie::WrongCount),
        ("neighbours-outcome", Lie::NeighboursOutcome),
        ("status-zero", Lie::StatusZero),
        ("ended-completed", Lie::EndedCompleted),
        ("attempts-forgotten", Lie::AttemptsForgotten),
        ("sent-forgotten", Lie::SentForgotten),
        ("start-after-stop", Lie::StartAfterStop),
        ("grace-forgotten", Lie::GraceForgotten),
        ("deadline-forgotten", Lie::DeadlineForgotten),
        ("failures-off-by-one", Lie::FailuresOffByOne),
        ("held-told", Lie::HeldTold),
        ("two-sessions", Lie::TwoSessions),
        ("slot-too-many", Lie::SlotTooMany),
        ("site-too-many", Lie::SiteTooMany),
        ("current-from-connect", Lie::CurrentFromConnect),
        ("turns-saved-up", Lie::TurnsSavedUp),
        ("pause-forgotten", Lie::PauseForgotten),
        ("gap-forgotten", Lie::GapForgotten),
        ("verified-unasked", Lie::VerifiedUnasked),
        ("any-state-right", Lie::AnyStateRight),
        ("left-alone", Lie::LeftAlone),
        ("busy-is-final", Lie::BusyIsFinal),
        ("pass-forgets", Lie::PassForgets),
        ("short-file-taken", Lie::ShortFileTaken),
        ("part-put-in-place", Lie::PartPutInPlace),
        ("part-left", Lie::PartLeft),
        ("files-mixed", Lie::FilesMixed),
        ("old-file-removed", Lie::OldFileRemoved),
        ("half-the-pause", Lie::HalfThePause),
        ("more-than-announced", Lie::MoreThanAnnounced),
        ("beginning-not-compared", Lie::BeginningNotCompared),
        ("digest-of-first-piece", Lie::DigestOfFirstPiece),
    ];
}
