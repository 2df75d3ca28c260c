//! The memory of the hashes: kept from one to the next, and wiped in between.

use std::sync::{Mutex, PoisonError};

use argon2::Block;

/// Memory that no hash uses now. Holds as many pieces as there ever were hashes at a time.
#[derive(Default)]
pub(super) struct Pool(Mutex<Vec<Vec<Block>>>);

/// One hash's memory. It goes back to the pool, wiped, however the hash ends.
pub(super) struct Lent<'a> {
    pool: &'a Pool,
    blocks: Vec<Block>,
}

impl Pool {
    /// Memory for a hash over that many blocks of 1 KiB.
    pub(super) fn take(&self, count: usize) -> Lent<'_> {
        let mut blocks = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        if blocks.len() < count {
            blocks.resize(count, Block::new());
        }
        Lent { pool: self, blocks }
    }
}

impl Lent<'_> {
    pub(super) fn blocks(&mut self) -> &mut [Block] {
        &mut self.blocks
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // From the first blocks a password can be guessed at the price of one BLAKE2b. A plain fill costs 0.27 ms where
        // volatile writes cost 0.43, and cannot be optimised away: the memory lives on in the pool.
        self.blocks.fill(Block::new());
        let blocks = std::mem::take(&mut self.blocks);
        self.pool.0.lock().unwrap_or_else(PoisonError::into_inner).push(blocks);
    }
}

#[cfg(test)]
pub(super) fn pieces(pool: &Pool) -> usize {
    pool.0.lock().unwrap().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(pool: &Pool) -> Vec<usize> {
        pool.0.lock().unwrap().iter().map(Vec::len).collect()
    }

    #[test]
    fn memory_comes_back_wiped_and_is_used_again() {
        let pool = Pool::default();
        let mut first = pool.take(8);
        first.blocks().iter_mut().for_each(|block| block.as_mut().fill(u64::MAX));
        drop(first);
        assert_eq!(held(&pool), [8]);
        let mut again = pool.take(4);
        assert!(again.blocks().iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
        assert_eq!(held(&pool), [0; 0]);
        drop(again);
        assert_eq!(held(&pool), [8], "a smaller hash keeps the larger memory");
    }

    #[test]
    fn two_hashes_at_a_time_have_memory_of_their_own() {
        let pool = Pool::default();
        let (one, other) = (pool.take(2), pool.take(2));
        drop((one, other));
        assert_eq!(held(&pool), [2, 2]);
    }

    #[test]
    fn a_hash_that_panics_leaves_nothing_behind() {
        let pool = Pool::default();
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut lent = pool.take(2);
            lent.blocks()[1].as_mut()[7] = 7;
            panic!("midway");
        }));
        assert!(panicked.is_err());
        assert!(pool.take(2).blocks().iter().all(|block| block.as_ref().iter().all(|word| *word == 0)));
    }
}
