//! Deadlines of many connections: a wheel of slots, armed lazily.
//!
//! Input: an index and a slot. Output: the indices whose slot has passed. Invariant: the wheel only
//! says "check this one now"; the owner compares with the real deadline and arms it again. So
//! traffic, which moves a deadline forward, never touches the wheel, and nothing ever visits all
//! connections.

use crate::proto::Millis;

/// Milliseconds of one slot: how late a deadline may be noticed.
const SLOT_MS: Millis = 64;

/// One turn of the wheel is 65 s; a deadline beyond it is checked once per turn.
const SLOTS: u64 = 1024;

/// The absolute number of a slot since time 0; it fits for eight years.
pub(crate) type SlotNumber = u32;

#[derive(Debug)]
pub(crate) struct Wheel {
    slots: Vec<Vec<u32>>,
    /// Every slot before this one has been emptied.
    next: u64,
    /// No slot before this one has an entry; `u64::MAX` if none has.
    earliest: u64,
}

impl Wheel {
    pub(crate) fn new(now: Millis) -> Self {
        let slots = (0..SLOTS).map(|_| Vec::new()).collect();
        Self {
            slots,
            next: now / SLOT_MS,
            earliest: u64::MAX,
        }
    }

    /// Arms `index` at this slot of [`Wheel::number`], or at the last that the wheel has. Returns
    /// the number of the slot: an entry counts only while its owner remembers that number.
    pub(crate) fn arm(&mut self, index: u32, slot: SlotNumber) -> SlotNumber {
        let slot = u64::from(slot).clamp(self.next, self.next + SLOTS - 1);
        self.slots[(slot % SLOTS) as usize].push(index);
        self.earliest = self.earliest.min(slot);
        slot as SlotNumber
    }

    /// The number of the first slot that ends after `at`; the last number for all times past it.
    pub(crate) fn number(at: Millis) -> SlotNumber {
        SlotNumber::try_from(at / SLOT_MS + 1).unwrap_or(SlotNumber::MAX)
    }

    /// When to check again; `None` if nothing is armed.
    pub(crate) fn next_at(&self) -> Option<Millis> {
        (self.earliest != u64::MAX).then(|| self.earliest * SLOT_MS)
    }

    /// Moves the entries of one slot that has passed to `due` and returns the slot's number.
    /// Call until it returns `None`.
    pub(crate) fn expire(&mut self, now: Millis, due: &mut Vec<u32>) -> Option<SlotNumber> {
        due.clear();
        let current = now / SLOT_MS;
        if self.earliest > current {
            self.next = self.next.max(current + 1);
            return None;
        }
        let slot = self.earliest;
        due.append(&mut self.slots[(slot % SLOTS) as usize]);
        self.next = slot + 1;
        let following = (slot + 1)..(slot + SLOTS);
        let armed = |slot: &u64| !self.slots[(slot % SLOTS) as usize].is_empty();
        self.earliest = following.into_iter().find(armed).unwrap_or(u64::MAX);
        Some(slot as SlotNumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expire_all(wheel: &mut Wheel, now: Millis) -> Vec<u32> {
        let (mut all, mut due) = (Vec::new(), Vec::new());
        while wheel.expire(now, &mut due).is_some() {
            all.extend_from_slice(&due);
        }
        all
    }

    #[test]
    fn never_early_and_at_most_a_slot_late() {
        let mut wheel = Wheel::new(1000);
        wheel.arm(1, Wheel::number(1500));
        wheel.arm(2, Wheel::number(1400));
        assert!(expire_all(&mut wheel, 1399).is_empty());
        assert_eq!(expire_all(&mut wheel, 1400 + SLOT_MS), [2]);
        assert_eq!(expire_all(&mut wheel, 1500 + SLOT_MS), [1]);
        assert_eq!(wheel.next_at(), None);
    }

    #[test]
    fn a_time_without_a_number_of_its_own_is_not_due() {
        let mut wheel = Wheel::new(1000);
        for at in [Millis::MAX, Millis::from(u32::MAX) * SLOT_MS] {
            assert_eq!(Wheel::number(at), SlotNumber::MAX);
            assert!(wheel.arm(1, Wheel::number(at)) > Wheel::number(60_000));
        }
        assert!(expire_all(&mut wheel, 60_000).is_empty());
    }

    #[test]
    fn a_deadline_beyond_the_wheel_comes_back_to_be_armed_again() {
        let mut wheel = Wheel::new(0);
        let far = SLOT_MS * SLOTS * 3;
        wheel.arm(7, Wheel::number(far));
        let mut now = 0;
        let mut looks = 0;
        loop {
            now += 1000;
            if expire_all(&mut wheel, now).contains(&7) {
                looks += 1;
                if now >= far {
                    break;
                }
                wheel.arm(7, Wheel::number(far));
            }
        }
        assert!(now < far + 2000 && looks < 6, "{now} {looks}");
    }

    #[test]
    fn a_clock_that_jumps_finds_everything_once() {
        let mut wheel = Wheel::new(0);
        for i in 0..100 {
            wheel.arm(i, Wheel::number(Millis::from(i) * 300));
        }
        let mut found = expire_all(&mut wheel, 1_000_000);
        found.sort_unstable();
        assert_eq!(found, (0..100).collect::<Vec<_>>());
        wheel.arm(5, Wheel::number(1_000_000));
        assert_eq!(expire_all(&mut wheel, 1_000_000 + 2 * SLOT_MS), [5]);
    }
}
