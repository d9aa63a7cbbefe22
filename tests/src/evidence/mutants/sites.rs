//! The code that a comment is about.

use std::ops::Range;

use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{Expr, Stmt};

use super::edits::{is_test, range};

/// A statement, a branch, a function: what a comment on one of its first lines is about.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// The lines on which a comment about it stands, or that follow such a comment.
    lines: Range<usize>,
    /// All of it.
    code: Range<usize>,
    /// The expression in it that gives its value.
    pub(super) value: Option<Range<usize>>,
}

impl Site {
    /// Whether these bytes are part of it.
    pub(super) fn contains(&self, bytes: &Range<usize>) -> bool {
        self.code.start <= bytes.start && bytes.end <= self.code.end
    }
}

/// What a file consists of.
#[derive(Debug, Default)]
pub(super) struct Sites {
    sites: Vec<Site>,
    /// Lines that only tests are compiled from.
    tests: Vec<Range<usize>>,
}

impl Sites {
    /// Those of `file`.
    pub(super) fn of(file: &syn::File) -> Self {
        let mut sites = Self::default();
        sites.visit_file(file);
        sites
    }

    /// Whether a line belongs to tests.
    pub(super) fn is_test(&self, line: usize) -> bool {
        self.tests.iter().any(|lines| lines.contains(&line))
    }

    /// What begins on `line`: of several the first, of nested ones the outermost.
    pub(super) fn at(&self, line: usize) -> Option<&Site> {
        let here = self.sites.iter().filter(|site| site.lines.contains(&line));
        here.min_by_key(|site| (site.code.start, std::cmp::Reverse(site.code.end)))
    }

    fn add(&mut self, lines: Range<usize>, code: Range<usize>, value: Option<Range<usize>>) {
        self.sites.push(Site { lines, code, value });
    }

    /// A function: a comment about it may stand on any line until its name.
    fn function(&mut self, start: usize, name: &syn::Ident, block: &syn::Block) {
        let last = name.span().start().line;
        let inner = block.stmts.first().zip(block.stmts.last());
        let value = inner.map(|(first, last)| range(first).start..range(last).end);
        self.add(start..last + 1, range(block), value);
    }
}

impl<'ast> Visit<'ast> for Sites {
    /// The text of documentation is an expression too.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if is_test(&item.attrs) {
            self.tests.push(item.span().start().line..item.span().end().line + 1);
        } else {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        self.function(item.span().start().line, &item.sig.ident, &item.block);
        visit::visit_item_fn(self, item);
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        self.function(item.span().start().line, &item.sig.ident, &item.block);
        visit::visit_impl_item_fn(self, item);
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if !matches!(statement, Stmt::Item(_)) {
            let line = statement.span().start().line;
            self.add(line..line + 1, range(statement), value(statement));
        }
        visit::visit_stmt(self, statement);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        let line = arm.span().start().line;
        self.add(line..line + 1, range(arm), Some(range(&arm.body)));
        visit::visit_arm(self, arm);
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        let line = expression.span().start().line;
        self.add(line..line + 1, range(expression), Some(range(expression)));
        visit::visit_expr(self, expression);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let dot = call.dot_token.span();
        let code = dot.byte_range().start..range(call).end;
        self.add(dot.start().line..dot.start().line + 1, code, None);
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        let line = binary.op.span().start().line;
        self.add(line..line + 1, range(&binary.op).start..range(binary).end, None);
        visit::visit_expr_binary(self, binary);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        let line = field.span().start().line;
        self.add(line..line + 1, range(field), None);
        visit::visit_field_value(self, field);
    }
}

fn value(statement: &Stmt) -> Option<Range<usize>> {
    match statement {
        Stmt::Local(local) => local.init.as_ref().map(|init| range(&init.expr)),
        Stmt::Expr(expression, _) => Some(range(expression)),
        Stmt::Item(_) | Stmt::Macro(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(source: &str, line: usize) -> Option<&str> {
        let sites = Sites::of(&syn::parse_file(source).unwrap());
        sites.at(line).and_then(|site| source.get(site.code.clone()))
    }

    const SOURCE: &str = "/// Documented.\n#[inline]\nfn f() {\n    one(two())\n        .three();\n    match a {\n        b => c(),\n    }\n}\n";

    #[test]
    fn the_outermost_code_that_begins_on_a_line_is_found() {
        assert!(at(SOURCE, 1).unwrap().starts_with("{\n    one"));
        assert!(at(SOURCE, 3).unwrap().starts_with("{\n    one"));
        assert_eq!(at(SOURCE, 4), Some("one(two())\n        .three();"));
        assert_eq!(at(SOURCE, 5), Some(".three()"));
        assert_eq!(at(SOURCE, 7), Some("b => c(),"));
    }

    #[test]
    fn an_item_without_code_is_not_found() {
        assert_eq!(at("/// Documented.\nstruct S;\n", 1), None);
    }

    #[test]
    fn lines_of_tests_are_known() {
        let sites = Sites::of(&syn::parse_file("fn f() {}\n#[cfg(test)]\nmod tests {\n}\n").unwrap());
        assert!(!sites.is_test(1));
        assert!(sites.is_test(3));
    }
}
