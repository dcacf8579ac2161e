//! A real `SQLite` database, made by hand: what a simulated hub serves.
//!
//! One table, `rooms(name TEXT)`, with one row; pages that hold nothing are on the free list, so that the file is whole
//! at any size. Layout: sqlite.org/fileformat2.html, §1.3 (header), §1.5 (free list), §1.6 (pages), §2.1 (records).

/// Bytes of a page.
pub(in crate::device_type) const PAGE: usize = 4096;

/// The least database: the schema and one table.
pub(in crate::device_type) const LEAST: usize = 2 * PAGE;

/// How many pages one trunk of the free list names: all that fit, but the last six, which old readers would not expect.
const LEAVES_MAX: usize = PAGE / 4 - 8;

const SCHEMA: &str = "CREATE TABLE rooms(name TEXT)";

/// A database of `len` bytes, rounded down to whole pages, at least [`LEAST`].
pub(super) fn bytes(len: usize) -> Vec<u8> {
    let pages = len.max(LEAST) / PAGE;
    let mut file = vec![0; pages * PAGE];
    let free = pages - 2;
    put(&mut file, 0, b"SQLite format 3\0");
    put(&mut file, 16, &[0x10, 0x00, 1, 1, 0, 64, 32, 32]);
    for (at, value) in [(24, 1), (28, pages), (32, if free > 0 { 3 } else { 0 }), (36, free), (40, 1), (44, 4)] {
        put_u32(&mut file, at, value);
    }
    put_u32(&mut file, 56, 1);
    put_u32(&mut file, 92, 1);
    put_u32(&mut file, 96, 3_045_000);
    let columns: [&[u8]; 5] = [b"table", b"rooms", b"rooms", &[2], SCHEMA.as_bytes()];
    let text = |len: usize| u8::try_from(2 * len + 13).unwrap_or_default();
    let types = [text(5), text(5), text(5), 1, text(SCHEMA.len())];
    leaf(&mut file, 0, 100, &record(&types, &columns));
    leaf(&mut file, PAGE, 0, &record(&[text(4)], &[b"hall"]));
    free_list(&mut file, pages);
    file
}

/// The pages from the third on, as trunks with the leaves that follow each.
fn free_list(file: &mut [u8], pages: usize) {
    let mut trunk = 3;
    while trunk <= pages {
        let last = pages.min(trunk + LEAVES_MAX);
        let at = (trunk - 1) * PAGE;
        put_u32(file, at, if last < pages { last + 1 } else { 0 });
        put_u32(file, at + 4, last - trunk);
        for leaf in trunk + 1..=last {
            put_u32(file, at + 4 + 4 * (leaf - trunk), leaf);
        }
        trunk = last + 1;
    }
}

/// A record: the length of its head, the types of its columns, their values.
fn record(types: &[u8], columns: &[&[u8]]) -> Vec<u8> {
    let mut record = vec![u8::try_from(types.len() + 1).unwrap_or_default()];
    record.extend_from_slice(types);
    record.extend(columns.iter().flat_map(|column| column.iter()));
    record
}

/// A page of a table with one row, whose number is 1; its head stands `head` bytes after the page's start.
fn leaf(file: &mut [u8], page: usize, head: usize, record: &[u8]) {
    let mut cell = vec![u8::try_from(record.len()).unwrap_or_default(), 1];
    cell.extend_from_slice(record);
    let start = PAGE - cell.len();
    let [.., high, low] = start.to_be_bytes();
    put(file, page + head, &[0x0d, 0, 0, 0, 1, high, low, 0, high, low]);
    put(file, page + start, &cell);
}

fn put(file: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = file.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

fn put_u32(file: &mut [u8], at: usize, value: usize) {
    put(file, at, &u32::try_from(value).unwrap_or_default().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_size_agrees_with_its_header_and_its_free_list_has_every_page() {
        for pages in [2, 3, 4, 1020, 1021, 2100] {
            let file = bytes(pages * PAGE);
            assert_eq!(file.len(), pages * PAGE);
            let word = |at: usize| u32::from_be_bytes(file[at..at + 4].try_into().unwrap()) as usize;
            assert_eq!((word(28), word(36)), (pages, pages - 2));
            let (mut trunk, mut free) = (word(32), 0);
            while trunk != 0 {
                let at = (trunk - 1) * PAGE;
                free += 1 + word(at + 4);
                trunk = word(at);
            }
            assert_eq!(free, pages - 2);
        }
    }
}
