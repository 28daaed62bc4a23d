//! Packing gives back what it was given, and notices everything else.

use proptest::prelude::*;

use super::*;

const SECTOR: usize = SECTOR_BYTES as usize;

/// Payload of a kind: zeroes, explicit zeroes, text-like, noise.
fn payload(kind: u8, sectors: u32, seed: u8) -> Bytes {
    let length = bytes_of(sectors);
    match kind {
        0 => Bytes::new(),
        1 => vec![0; length].into(),
        2 => (0..length).map(|at| b"recovery point "[at % 15].wrapping_add(seed)).collect(),
        _ => {
            let mut state = u64::from(seed) + 1;
            let mut noise = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 56) as u8
            };
            (0..length).map(|_| noise()).collect()
        }
    }
}

fn change() -> impl Strategy<Value = Change<Block>> {
    (0..1u64 << 40, 1..=300u32, 0..4u8, any::<u8>()).prop_map(|(start, sectors, kind, seed)| Change {
        start,
        sectors,
        content: Block(payload(kind, sectors, seed)),
    })
}

fn changes() -> impl Strategy<Value = Vec<Change<Block>>> {
    prop::collection::vec(change(), 0..12)
}

/// Bytes that are all zero travel as zeroes.
fn with_zeroes_named(mut changes: Vec<Change<Block>>) -> Vec<Change<Block>> {
    for change in changes.iter_mut().filter(|change| change.content.digest(change.sectors) == 0) {
        change.content = Block::zero();
    }
    changes
}

fn sealed(body: Vec<u8>) -> Packed<Block> {
    let checksum = crc32c::crc32c(&body);
    Packed { raw_bytes: 0, wire_bytes: body.len() as u64, body: Body::Bytes(body.into()), checksum }
}

fn bytes(packed: &Packed<Block>) -> Vec<u8> {
    match &packed.body {
        Body::Bytes(bytes) => bytes.to_vec(),
        Body::Plain(_) => panic!("a block is packed to bytes"),
    }
}

proptest! {
    #[test]
    fn unpacking_gives_back_what_was_packed(changes in changes()) {
        let packed = Block::pack(changes.clone());
        prop_assert_eq!(packed.wire_bytes, bytes(&packed).len() as u64);
        let expected = with_zeroes_named(changes);
        let raw_bytes: usize = expected.iter().map(|change| change.content.0.len()).sum();
        prop_assert_eq!(packed.raw_bytes, raw_bytes as u64);
        let unpacked = Block::unpack(&packed).unwrap();
        prop_assert_eq!(&*unpacked, &*expected);
    }

    #[test]
    fn what_is_packed_plainly_is_the_same_when_it_is_unpacked(changes in changes()) {
        let (packed, plainly) = (Block::pack(changes.clone()), Block::pack_plainly(changes));
        prop_assert_eq!(Block::unpack(&plainly).unwrap(), Block::unpack(&packed).unwrap());
        prop_assert_eq!(plainly.raw_bytes, packed.raw_bytes);
        prop_assert!(plainly.wire_bytes >= packed.wire_bytes);
    }

    #[test]
    fn every_flipped_bit_is_noticed(changes in changes(), place in any::<prop::sample::Index>(), bit in 0..8u32) {
        let mut packed = Block::pack(changes);
        let mut body = bytes(&packed);
        let at = place.index(body.len());
        body[at] ^= 1u8 << bit;
        packed.body = Body::Bytes(body.into());
        let noticed = matches!(Block::unpack(&packed), Err(Corrupt::Checksum { .. }));
        prop_assert!(noticed);
    }

    /// The negative twin: what the checksum lets through is still parsed without trust.
    #[test]
    fn a_damaged_body_with_a_right_checksum_never_panics(
        changes in changes(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let whole = bytes(&Block::pack(changes));
        let cut = sealed(whole[..cut.index(whole.len())].to_vec());
        let noticed = matches!(Block::unpack(&cut), Err(Corrupt::Malformed { .. }));
        prop_assert!(noticed);
        let mut body = whole;
        for (place, byte) in damage {
            let at = place.index(body.len());
            body[at] = byte;
        }
        let _ = Block::unpack(&sealed(body));
    }

    #[test]
    fn arbitrary_bytes_never_panic(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = Block::unpack(&sealed(body));
    }

    #[test]
    fn a_digest_is_zero_for_zeroes_only(kind in 0..4u8, sectors in 1..20u32, seed in any::<u8>()) {
        let block = Block(payload(kind, sectors, seed));
        prop_assert_eq!(block.digest(sectors) == 0, kind < 2);
    }

    #[test]
    fn a_part_of_a_part_is_a_part(skip in 0..5u32, sectors in 1..5u32, seed in any::<u8>()) {
        let block = Block(payload(3, 10, seed));
        let (whole, start) = (block.part(2, 8), bytes_of(2 + skip).min(bytes_of(9)));
        let skip = (start / SECTOR) as u32 - 2;
        let sectors = sectors.min(8 - skip);
        let part = whole.part(skip, sectors);
        prop_assert_eq!(&part.0[..], &block.0[start..start + bytes_of(sectors)]);
    }
}

#[test]
fn a_body_that_declares_more_than_it_holds_is_refused_before_anything_is_reserved() {
    let mut body = 1u32.to_le_bytes().to_vec();
    body.extend_from_slice(&0u64.to_le_bytes());
    body.extend_from_slice(&u32::MAX.to_le_bytes());
    body.extend_from_slice(&0u32.to_le_bytes());
    assert_eq!(Block::unpack(&sealed(body)), Err(Corrupt::Malformed { at: 20 }));
}

#[test]
fn zeroes_weigh_a_header_and_nothing_else() {
    let change = Change { start: 8, sectors: 1 << 20, content: Block::zero() };
    let packed = Block::pack(vec![change]);
    assert_eq!((packed.raw_bytes, packed.wire_bytes), (0, 4 + CHANGE_HEADER_BYTES));
}

#[test]
fn text_shrinks_and_noise_grows_by_its_frame_headers_only() {
    let of_kind =
        |kind| Block::pack(vec![Change { start: 0, sectors: 256, content: Block(payload(kind, 256, 1)) }]);
    assert!(of_kind(2).wire_bytes < of_kind(2).raw_bytes / 10);
    assert_eq!(of_kind(3).wire_bytes, of_kind(3).raw_bytes + 4 + CHANGE_HEADER_BYTES + 2 * 4);
}

#[test]
fn text_that_is_packed_plainly_does_not_shrink() {
    let text = Change { start: 0, sectors: 256, content: Block(payload(2, 256, 1)) };
    let packed = Block::pack_plainly(vec![text]);
    assert_eq!(packed.wire_bytes, packed.raw_bytes + 4 + CHANGE_HEADER_BYTES + 2 * 4);
}

#[test]
fn simulated_content_is_not_bytes() {
    let packed = Packed { body: Body::Plain(Arc::new([])), raw_bytes: 0, wire_bytes: 0, checksum: 0 };
    assert_eq!(Block::unpack(&packed), Err(Corrupt::NotThisContent));
}

#[test]
fn a_frame_that_is_unpacked_alone_holds_what_it_holds_with_the_others() {
    let zeroes = Change { start: 0, sectors: 8, content: Block::zero() };
    let text = Change { start: 100, sectors: 200, content: Block(payload(2, 200, 1)) };
    let noise = Change { start: 400, sectors: 100, content: Block(payload(3, 100, 2)) };
    let packed = Block::pack(vec![zeroes, text.clone(), noise.clone()]);
    let Body::Bytes(body) = &packed.body else { panic!("bytes are packed as bytes") };

    let index = PackedIndex::of(body).unwrap();
    let places: Vec<_> = index.changes.iter().map(|change| (change.start, change.payload_at)).collect();
    assert_eq!(places, [(0, None), (100, Some(0)), (400, Some(200 * 512))]);
    let mut unpacked = vec![0; index.payload_bytes as usize];
    for (frame, into) in index.frames.iter().zip(unpacked.chunks_mut(PackedIndex::FRAME_BYTES)) {
        PackedIndex::unpack_frame(&body[*frame as usize..], into).unwrap();
    }
    assert_eq!(unpacked, [&text.content.0[..], &noise.content.0[..]].concat());
    assert!(PackedIndex::of(&body[..body.len() - 1]).is_err(), "a body that was cut short");
}
