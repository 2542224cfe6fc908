//! Which file uses which, over all crates of the project, and the circles among them.
//!
//! Input: source files. Output: [`Uses`], the edges between them. A name is followed through
//! `use` and `pub use` to the file that defines it: that one is used, not the module that passes
//! the name on. A `mod` is no use, nor is the import of a module, only what is taken out of it.

use super::names::{Names, Path};
use crate::support::sources::Source;
use std::collections::{BTreeMap, BTreeSet};

/// An import leads to an import, and so on: at most this often.
const MOST_STEPS: usize = 16;

/// For each file those that it uses, and a path by which it does.
#[derive(Debug, Default)]
pub struct Uses(BTreeMap<String, BTreeMap<String, String>>);

/// The modules of one crate, the root first.
struct Crate<'a> {
    sources: &'a [Source],
    modules: Vec<Module>,
}

struct Module {
    file: String,
    /// The folder of its submodules.
    folder: String,
    parent: usize,
    children: Vec<(String, usize)>,
    names: Names,
}

/// What a path leads to.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Module(usize),
    /// Something that this module defines.
    Item(usize),
}

impl Uses {
    pub fn of(sources: &[Source]) -> Self {
        let mut uses = Self::default();
        let roots = sources.iter().filter(|source| is_root(&source.path));
        for root in roots {
            Crate::new(sources, &root.path).tell(&mut uses);
        }
        uses
    }

    /// All files that belong to a crate.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Every use: the file, the file that it uses, and the path.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let files = self.0.iter();
        files.flat_map(|(from, used)| {
            let used = used.iter();
            used.map(|(to, path)| (from.as_str(), to.as_str(), path.as_str()))
        })
    }

    /// Groups of files each of which leads to all others of its group.
    pub fn circles(&self) -> Vec<BTreeSet<&str>> {
        let reached: BTreeMap<&str, BTreeSet<&str>> = self
            .files()
            .map(|file| (file, self.reached(file)))
            .collect();
        let mut circles: Vec<BTreeSet<&str>> = Vec::new();
        for (file, from_here) in &reached {
            let back = |other: &&&str| reached[**other].contains(file);
            let circle: BTreeSet<&str> = from_here.iter().filter(back).copied().collect();
            if circle.len() > 1 && !circles.contains(&circle) {
                circles.push(circle);
            }
        }
        circles
    }

    fn reached<'a>(&'a self, file: &'a str) -> BTreeSet<&'a str> {
        let mut reached = BTreeSet::new();
        let mut next = vec![file];
        while let Some(file) = next.pop() {
            let used = self.0[file].keys().map(String::as_str);
            next.extend(used.filter(|used| reached.insert(*used)));
        }
        reached
    }
}

/// Whether a crate begins with this file.
fn is_root(path: &str) -> bool {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    ["main.rs", "lib.rs"].contains(&name) || folder == "benches" || folder.ends_with("/bin")
}

impl<'a> Crate<'a> {
    fn new(sources: &'a [Source], root: &str) -> Self {
        let mut all = Self {
            sources,
            modules: Vec::new(),
        };
        let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
        all.add(root, folder, 0);
        all
    }

    /// Adds a module and all below it.
    fn add(&mut self, file: &str, folder: &str, parent: usize) -> Option<usize> {
        let source = self.sources.iter().find(|source| source.path == file)?;
        let own = self.modules.len();
        let names = Names::of(&source.text);
        let declared = names.modules.clone();
        self.modules.push(Module {
            file: file.into(),
            folder: folder.into(),
            parent,
            children: Vec::new(),
            names,
        });
        for (name, told) in declared {
            let child = match told {
                Some(told) => self.add_told(own, &told),
                None => self.add_named(own, &name),
            };
            self.modules[own]
                .children
                .extend(child.map(|child| (name, child)));
        }
        Some(own)
    }

    fn add_named(&mut self, parent: usize, name: &str) -> Option<usize> {
        let inside = format!("{}/{name}", self.modules[parent].folder);
        let alone = self.add(&format!("{inside}.rs"), &inside, parent);
        alone.or_else(|| self.add(&format!("{inside}/mod.rs"), &inside, parent))
    }

    /// A `#[path = ...]` counts from the folder of the file.
    fn add_told(&mut self, parent: usize, told: &str) -> Option<usize> {
        let mut folder: Vec<&str> = self.modules[parent].file.split('/').collect();
        folder.pop();
        let mut told = told;
        while let Some(rest) = told.strip_prefix("../") {
            folder.pop();
            told = rest;
        }
        folder.extend(told.split('/'));
        let file = folder.join("/");
        folder.pop();
        let folder = folder.join("/");
        self.add(&file, &folder, parent)
    }

    /// Adds the uses of this crate.
    fn tell(&self, uses: &mut Uses) {
        for (at, module) in self.modules.iter().enumerate() {
            let used = uses.0.entry(module.file.clone()).or_default();
            let names = &module.names;
            let imports = names.imports.iter().map(|(_, path)| path);
            for path in imports.chain(&names.paths).chain(&names.globs) {
                for target in self.resolve(at, path, MOST_STEPS) {
                    let to = match target {
                        Target::Item(to) => to,
                        Target::Module(to) if names.globs.contains(path) => to,
                        Target::Module(_) => continue,
                    };
                    let to = &self.modules[to].file;
                    if *to != module.file {
                        used.entry(to.clone()).or_insert_with(|| path.join("::"));
                    }
                }
            }
        }
    }

    /// What a path in a module leads to: several where features decide, nothing in other crates.
    fn resolve(&self, at: usize, path: &Path, steps: usize) -> Vec<Target> {
        let Some((first, rest)) = path.split_first() else {
            return Vec::new();
        };
        let mut targets = match first.as_str() {
            "crate" => vec![Target::Module(0)],
            "self" => vec![Target::Module(at)],
            "super" => vec![Target::Module(self.modules[at].parent)],
            name => self.look_up(at, name, rest.is_empty(), steps),
        };
        for (number, name) in rest.iter().enumerate() {
            let is_last = number + 1 == rest.len();
            let step = |target: &Target| match *target {
                Target::Item(at) => vec![Target::Item(at)],
                Target::Module(at) if name == "super" => {
                    vec![Target::Module(self.modules[at].parent)]
                }
                Target::Module(at) => match self.look_up(at, name, is_last, steps) {
                    // Made by a macro, or passed on from another crate.
                    found if found.is_empty() => vec![Target::Item(at)],
                    found => found,
                },
            };
            targets = targets.iter().flat_map(step).collect();
        }
        targets
    }

    /// What a name stands for in a module. What has something after it is a module where there is
    /// one, though a function may have the same name.
    fn look_up(&self, at: usize, name: &str, is_last: bool, steps: usize) -> Vec<Target> {
        let Some(steps) = steps.checked_sub(1) else {
            return Vec::new();
        };
        let module = &self.modules[at];
        let children = module.children.iter().filter(|(child, _)| child == name);
        let mut found: Vec<Target> = children.map(|(_, at)| Target::Module(*at)).collect();
        if (is_last || found.is_empty()) && module.names.items.contains(name) {
            found.push(Target::Item(at));
        }
        if !found.is_empty() {
            return found;
        }
        let imports = module.names.imports.iter().filter(|(own, _)| own == name);
        found.extend(imports.flat_map(|(_, path)| self.resolve(at, path, steps)));
        if found.is_empty() {
            let globs = module.names.globs.iter();
            let inside = globs.flat_map(|path| self.resolve(at, path, steps));
            found.extend(inside.flat_map(|target| match target {
                Target::Module(inside) => self.look_up(inside, name, is_last, steps),
                Target::Item(_) => Vec::new(),
            }));
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(files: &[(&str, &str)]) -> Uses {
        let source = |(path, text): &(&str, &str)| Source {
            path: (*path).into(),
            text: (*text).into(),
        };
        Uses::of(&files.iter().map(source).collect::<Vec<_>>())
    }

    fn pairs(uses: &Uses) -> Vec<(&str, &str)> {
        uses.all().map(|(from, to, _)| (from, to)).collect()
    }

    #[test]
    fn names_lead_to_the_file_that_defines_them() {
        let uses = uses(&[
            ("src/lib.rs", "mod a;\nmod b;\npub use b::X;\n"),
            (
                "src/a.rs",
                "use crate::b;\nuse crate::X as Y;\nfn f() { b::d::Z; b::g::h() }\n",
            ),
            (
                "src/b/mod.rs",
                "mod c;\npub mod d;\nfn d() {}\npub use c::{X, g};\nuse other::Q;\n",
            ),
            (
                "src/b/c.rs",
                "macro! { X }\nuse super::super::a::f;\nuse super::Q;\n",
            ),
            ("src/b/d.rs", "mod e;\npub use self::e::*;\n"),
            ("src/b/d/e.rs", "pub struct Z;\n"),
        ]);
        let expected = [
            ("src/a.rs", "src/b/c.rs"),
            ("src/a.rs", "src/b/d/e.rs"),
            ("src/b/c.rs", "src/a.rs"),
            ("src/b/c.rs", "src/b/mod.rs"),
            ("src/b/d.rs", "src/b/d/e.rs"),
            ("src/b/mod.rs", "src/b/c.rs"),
            ("src/lib.rs", "src/b/c.rs"),
        ];
        assert_eq!(pairs(&uses), expected);
        let circle = BTreeSet::from(["src/a.rs", "src/b/c.rs", "src/b/mod.rs"]);
        assert_eq!(uses.circles(), [circle]);
    }

    #[test]
    fn a_module_may_have_two_files_and_a_file_two_crates() {
        let uses = uses(&[
            (
                "benches/x/main.rs",
                "mod a;\n#[path = \"no_a.rs\"]\nmod a;\n#[path = \"../y.rs\"]\nmod y;\n",
            ),
            ("benches/x/a.rs", "pub fn f() {}\n"),
            ("benches/x/no_a.rs", "use crate::y::g;\npub fn f() {}\n"),
            ("benches/y.rs", "fn g() { crate::a::f() }\n"),
        ]);
        let expected = [
            ("benches/x/no_a.rs", "benches/y.rs"),
            ("benches/y.rs", "benches/x/a.rs"),
            ("benches/y.rs", "benches/x/no_a.rs"),
        ];
        assert_eq!(pairs(&uses), expected);
        let circle = BTreeSet::from(["benches/x/no_a.rs", "benches/y.rs"]);
        assert_eq!(uses.circles(), [circle]);
    }

    #[test]
    fn no_circle_is_found_where_there_is_none() {
        let uses = uses(&[
            ("src/lib.rs", "mod a;\nmod b;\n#[cfg(test)]\nmod tests;\n"),
            (
                "src/a.rs",
                "/// crate::b\n#[cfg(test)]\nmod tests { use crate::b::B; }\n",
            ),
            ("src/b.rs", "use crate::a::A;\n"),
            ("src/tests.rs", "use crate::a::A;\n"),
        ]);
        assert_eq!(pairs(&uses), [("src/b.rs", "src/a.rs")]);
        assert!(uses.circles().is_empty());
        assert!(uses.files().all(|file| file != "src/tests.rs"));
    }
}
