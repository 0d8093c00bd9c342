use super::*;
use crate::compiler::LinkReloc;
use crate::lower::{EMPTY_CACHE, IMAGE_BASE};

const NAME: Name = Name { variant: 0x1234_5678_9abc_def0_1111, file: 0xfeed };

fn piece(pc: u64, len: usize) -> Piece {
    Piece {
        pc,
        code: (0..len).map(|i| (i as u8).wrapping_mul(37) ^ pc as u8).collect(),
        relocs: vec![
            LinkReloc { offset: 3, link: 1, addend: -4 },
            LinkReloc { offset: 20, link: 0, addend: -4 },
            LinkReloc { offset: 9, link: 2, addend: -8 },
        ],
        links: vec![EMPTY_CACHE, pc.wrapping_sub(0x4000), IMAGE_BASE],
        faults: vec![(4, 0), (9, 7), (30, u32::MAX), (40, 0x7fff_fff0)],
        guest: vec![(pc, pc + 6), (pc + 0x20, pc + 0x24)],
        guest_bytes: (0..10).collect(),
        guest_insns: 5,
    }
}

/// What a region is when it comes back: padded, with nothing filled in.
fn kept(piece: &Piece) -> Piece {
    let mut kept = piece.clone();
    kept.code.resize(kept.code.len().next_multiple_of(CODE_ALIGN), 0xcc);
    for reloc in &kept.relocs {
        kept.code[reloc.offset as usize..][..4].fill(0);
    }
    kept
}

fn file(bytes: &[u8], name: &str) -> std::fs::File {
    let path = std::env::temp_dir().join(format!("mynah-entry-{}-{name}", std::process::id()));
    std::fs::write(&path, bytes).unwrap();
    let file = std::fs::File::open(&path).unwrap();
    std::fs::remove_file(&path).unwrap();
    file
}

#[test]
fn regions_come_back() {
    let pieces = [piece(0x2000, 100), piece(0x1000, 64), piece(0x1_0000_0000, 4000)];
    let bytes = write(NAME, pieces.to_vec());
    let entry = Entry::open(&file(&bytes, "back"), NAME).unwrap();
    assert_eq!((entry.len(), entry.links()), (3, 9));
    for piece in &pieces {
        let index = entry.find(piece.pc).unwrap();
        assert_eq!(entry.piece(index).unwrap(), kept(piece));
        let view = entry.view(index).unwrap();
        assert_eq!(entry.find_code(view.code.start), Some(index));
        assert_eq!(entry.find_code(view.code.end - 1), Some(index));
    }
    assert_eq!(entry.find(0x1002), None);
    assert_eq!(entry.find(0), None);
    entry.verify().unwrap();
    // Writing what came back changes nothing.
    let again = (0..3).map(|i| entry.piece(i).unwrap()).collect();
    assert_eq!(write(NAME, again), bytes);
}

#[test]
fn code_finds_its_links_in_front_of_it() {
    let pieces = vec![piece(0x1000, 64), piece(0x2000, 64)];
    let bytes = write(NAME, pieces.clone());
    let entry = Entry::open(&file(&bytes, "links"), NAME).unwrap();
    let code = entry.code().start;
    for piece in &pieces {
        let view = entry.view(entry.find(piece.pc).unwrap()).unwrap();
        for reloc in &piece.relocs {
            let place = view.code.start as usize + reloc.offset as usize;
            let distance = i32::from_le_bytes(bytes[code + place..][..4].try_into().unwrap());
            let target = place as i64 + i64::from(distance) - reloc.addend;
            let slot = (view.first_link + reloc.link as usize) as i64 * 16 - entry.link_bytes() as i64;
            assert_eq!(target, slot);
        }
    }
}

#[test]
fn no_wrong_byte_passes() {
    let bytes = write(NAME, vec![piece(0x1000, 64), piece(0x2000, 90)]);
    Entry::check_bytes(&bytes, NAME).unwrap();
    for at in 0..bytes.len() {
        let mut wrong = bytes.clone();
        wrong[at] ^= 1 << (at % 8);
        assert!(Entry::check_bytes(&wrong, NAME).is_err(), "byte {at} of {}", bytes.len());
        // What is looked at before a region runs: everything that says what runs.
        if !(HEADER + 2 * ROW..entry_meta_end(&bytes)).contains(&at) && at < entry_meta_end(&bytes) {
            assert!(Entry::open(&file(&wrong, "wrong"), NAME).is_err(), "byte {at}");
        }
    }
    for len in 0..bytes.len() {
        assert!(Entry::check_bytes(&bytes[..len], NAME).is_err(), "cut to {len}");
    }
    let other = Name { file: 1, ..NAME };
    assert_eq!(Entry::check_bytes(&bytes, other), Err(EntryError::Name));
}

/// Where the code begins.
fn entry_meta_end(bytes: &[u8]) -> usize {
    Entry::open(&file(bytes, "end"), NAME).unwrap().code().start
}

#[test]
fn nonsense_is_refused_and_nothing_more() {
    let mut seed = 1u64;
    for round in 0..2000usize {
        let mut bytes = write(NAME, vec![piece(0x1000, 64)]);
        for _ in 0..1 + round % 8 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let at = 128 + (seed >> 33) as usize % (bytes.len() - 128);
            bytes[at] = (seed >> 24) as u8;
        }
        // With checksums of the header that are right all the same.
        let body = xxhash_rust::xxh3::xxh3_64(&bytes[HEADER..]).to_le_bytes();
        bytes[104..112].copy_from_slice(&body);
        let table = xxhash_rust::xxh3::xxh3_64(&bytes[HEADER..HEADER + ROW]).to_le_bytes();
        bytes[96..104].copy_from_slice(&table);
        let header = xxhash_rust::xxh3::xxh3_64(&bytes[16..HEADER]).to_le_bytes();
        bytes[8..16].copy_from_slice(&header);
        // Whatever it says, nothing panics.
        let _ = Entry::check_bytes(&bytes, NAME);
    }
}
