//! Time and memory of each piece of work: planner, inventory, codec with judge, report formats.
//!
//! `cargo bench --bench pieces [FILTER]`. The clock is the wall's, so on a busy machine read the fastest column.

mod support {
    pub(crate) mod pieces;
}

use divan::counter::ItemsCount;
use divan::{AllocProfiler, Bencher};

use support::pieces::{PIECES, Piece};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = PIECES, sample_size = 1)]
fn piece(bencher: Bencher<'_, '_>, piece: &Piece) {
    bencher.counter(ItemsCount::new(piece.units)).with_inputs(piece.prepare).bench_local_values(|work| work());
}
