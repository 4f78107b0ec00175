//! From extents to parts of objects, page by page: a decision without I/O.

use std::collections::VecDeque;

use super::{Borders, Extent, Part};
use crate::digest::Digest;
use crate::sources::{Listing, Page};

/// The next item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A part to read.
    Part(Part),
    /// Supply this page first, with [`Parts::give`].
    Page(Digest),
    /// There are no more.
    End,
}

/// Resolves extents into parts. Holds one page at a time.
#[derive(Debug)]
pub struct Parts<'a> {
    listings: &'a [Listing],
    extents: VecDeque<Extent>,
    /// Pages of the first extent visited so far, and where the next begins among the source's bytes.
    n_pages: usize,
    page_at: u64,
    found: VecDeque<Part>,
}

impl<'a> Parts<'a> {
    /// The parts of these extents, in order. An extent of an unknown source has none.
    pub fn new(listings: &'a [Listing], extents: Vec<Extent>) -> Self {
        Self { listings, extents: extents.into(), n_pages: 0, page_at: 0, found: VecDeque::new() }
    }

    /// The next item.
    pub fn advance(&mut self) -> Next {
        loop {
            if let Some(part) = self.found.pop_front() {
                return Next::Part(part);
            }
            let Some(extent) = self.extents.front() else { return Next::End };
            let listing = self.listings.get(extent.source);
            match listing.and_then(|listing| Some((listing, listing.pages.get(self.n_pages)?))) {
                Some((listing, entry)) => {
                    let (from, to) = (self.page_at, self.page_at.saturating_add(entry.n_bytes));
                    let (ahead, behind) = match extent.borders {
                        Borders::Exact | Borders::ExactAfter(_) => (to <= extent.from, from >= extent.to),
                        // Empty objects lie on borders.
                        Borders::WholeObjects => {
                            (to < extent.from, from >= extent.to && from < listing.n_bytes())
                        }
                    };
                    if behind {
                        self.next_extent();
                    } else if ahead {
                        self.n_pages += 1;
                        self.page_at = to;
                    } else {
                        return Next::Page(entry.page);
                    }
                }
                None => self.next_extent(),
            }
        }
    }

    fn next_extent(&mut self) {
        self.extents.pop_front();
        (self.n_pages, self.page_at) = (0, 0);
    }

    /// Takes in the page that [`advance`](Parts::advance) requested.
    pub fn give(&mut self, page: &Page) {
        let Some(extent) = self.extents.front() else { return };
        let total = self.listings.get(extent.source).map_or(0, Listing::n_bytes);
        let mut object_at = self.page_at;
        for object in &page.objects {
            let object_to = object_at.saturating_add(object.bytes);
            let range = match extent.borders {
                Borders::Exact | Borders::ExactAfter(_) => {
                    let (from, to) = (extent.from.max(object_at), extent.to.min(object_to));
                    let before = match extent.borders {
                        Borders::ExactAfter(before) => before,
                        Borders::Exact | Borders::WholeObjects => 0,
                    };
                    (from < to).then(|| ((from - object_at).saturating_sub(before), to - object_at))
                }
                Borders::WholeObjects => {
                    let inside = (extent.from..extent.to).contains(&object_at);
                    let last = object_at == total && extent.to == total;
                    (inside || last).then_some((0, object.bytes))
                }
            };
            if let Some((from, to)) = range {
                let source = extent.source;
                self.found.push_back(Part { source, object: object.clone(), object_at, from, to });
            }
            object_at = object_to;
        }
        self.n_pages += 1;
        self.page_at = object_at;
    }
}
