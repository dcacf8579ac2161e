//! Time and memory of each piece of work: planner, inventory, codec with judge, report formats.
//!
//! `cargo bench --bench pieces [FILTER]`. The clock is the wall's, so on a busy machine read the fastest column.

mod support {
    pub(crate) mod pieces;
    pub(crate) mod record;
}

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};

use support::pieces::{PIECES, Piece};
use support::record::record_run;

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = PIECES, sample_size = 1)]
fn piece(bencher: Bencher<'_, '_>, piece: &Piece) {
    bencher.counter(ItemsCount::new(piece.units)).with_inputs(piece.prepare).bench_local_values(|work| work());
}

/// Apart from the other pieces: it waits for the disk, so its instructions are not what it costs. By 3,000: wall time of
/// one result, the syncs of the disk included.
#[divan::bench(sample_size = 1)]
fn history(bencher: Bencher<'_, '_>) {
    bencher.with_inputs(record_run).bench_local_values(|work| work());
}
