//! The ways to break a check: every edit of a file that might make it pass what it should refuse.

use std::ops::Range;

use quote::ToTokens;
use syn::spanned::Spanned as _;
use syn::visit::{self, Visit};
use syn::{BinOp, Expr, Pat, Stmt, UnOp};

/// Something else in place of some bytes of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// What is replaced.
    pub(super) range: Range<usize>,
    /// What stands there instead.
    pub(super) text: String,
    /// How that breaks the check.
    pub(super) kind: &'static str,
}

/// Every edit of `file`, whose text is `source`, outside of its tests.
pub(super) fn edits(file: &syn::File, source: &str) -> Vec<Edit> {
    let mut editor = Editor { source, edits: Vec::new() };
    editor.visit_file(file);
    let mut edits = editor.edits;
    edits.sort_by_key(|edit| (edit.range.start, edit.range.end));
    edits.dedup_by(|one, other| one.range == other.range && one.text == other.text);
    edits
}

/// The last resort where types leave no way to break a check: the program stops before it.
pub(super) fn stop(value: Range<usize>, source: &str) -> Option<Edit> {
    let text = format!("{{ if true {{ panic!(\"the step is left out\") }} {} }}", source.get(value.clone())?);
    Some(Edit { range: value, text, kind: "the step stops the program" })
}

/// Where `node` stands in its file.
pub(super) fn range(node: &impl ToTokens) -> Range<usize> {
    node.span().byte_range()
}

/// Whether an item is compiled for tests alone.
pub(super) fn is_test(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let text = attribute.meta.to_token_stream().to_string();
        text == "test" || text.starts_with("cfg") && text.contains("test") && !text.contains("feature")
    })
}

struct Editor<'s> {
    source: &'s str,
    edits: Vec<Edit>,
}

impl<'s> Editor<'s> {
    fn text(&self, node: &impl ToTokens) -> &'s str {
        self.source.get(range(node)).unwrap_or_default()
    }

    fn refuses(&self, node: &impl ToTokens) -> bool {
        self.text(node).contains("Err(")
    }

    fn edit(&mut self, node: &impl ToTokens, kind: &'static str, text: impl Into<String>) {
        self.edits.push(Edit { range: range(node), text: text.into(), kind });
    }

    /// Makes a condition constant, so that nothing is refused; either way, if neither branch refuses.
    fn constant(&mut self, condition: &Expr, yes: bool, no: bool) {
        let has_let = self.text(condition).contains("let ");
        if yes || !no {
            let text = if has_let { format!("false && {}", self.text(condition)) } else { "false".into() };
            self.edit(condition, "the condition is never true", text);
        }
        if !has_let && (no || !yes) {
            self.edit(condition, "the condition is always true", "true");
        }
    }

    fn function(&mut self, signature: &syn::Signature, block: &syn::Block) {
        let output = signature.output.to_token_stream().to_string().replace(' ', "");
        let bodies: &[&str] = match output.strip_prefix("->").unwrap_or_default() {
            "" => &["{}"],
            "bool" => &["{ true }", "{ false }"],
            output if output.starts_with("Result<()") => &["{ Ok(()) }"],
            output if output.starts_with("Result<Option<") => &["{ Ok(None) }"],
            output if output.starts_with("Result<Vec<") => &["{ Ok(Vec::new()) }"],
            output if output.starts_with("Option<") => &["{ None }"],
            _ => &[],
        };
        for body in bodies {
            self.edit(block, "the function does nothing", *body);
        }
    }
}

impl<'ast> Visit<'ast> for Editor<'_> {
    /// The text of documentation is an expression too.
    fn visit_attribute(&mut self, _: &'ast syn::Attribute) {}

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_test(&item.attrs) {
            self.function(&item.sig, &item.block);
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            self.function(&item.sig, &item.block);
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        if let Stmt::Expr(expression, Some(_)) = statement
            && matches!(
                expression,
                Expr::Try(_) | Expr::MethodCall(_) | Expr::Call(_) | Expr::Assign(_) | Expr::Binary(_)
            )
        {
            self.edit(statement, "the statement is left out", "");
        }
        match statement {
            // What is left out whole needs no other result.
            Stmt::Expr(Expr::Try(attempt), Some(_)) => visit::visit_expr_try(self, attempt),
            Stmt::Expr(..) | Stmt::Item(_) | Stmt::Local(_) | Stmt::Macro(_) => visit::visit_stmt(self, statement),
        }
    }

    fn visit_expr_if(&mut self, choice: &'ast syn::ExprIf) {
        let otherwise = choice.else_branch.as_ref().is_some_and(|(_, branch)| self.refuses(branch));
        self.constant(&choice.cond, self.refuses(&choice.then_branch), otherwise);
        visit::visit_expr_if(self, choice);
    }

    fn visit_expr_match(&mut self, choice: &'ast syn::ExprMatch) {
        let arm = |value: &str| choice.arms.iter().find(|arm| self.text(&arm.pat) == value);
        if let (Some(yes), Some(no)) = (arm("true"), arm("false")) {
            let (yes, no) = (self.refuses(&yes.body), self.refuses(&no.body));
            self.constant(&choice.expr, yes, no);
        }
        visit::visit_expr_match(self, choice);
    }

    fn visit_arm(&mut self, arm: &'ast syn::Arm) {
        if let Pat::Guard(guarded) = &arm.pat {
            self.constant(&guarded.guard, self.refuses(&arm.body), false);
        }
        if self.text(&arm.body).starts_with("Err(") {
            self.edit(&arm.body, "what is refused passes", "Ok(())");
        }
        visit::visit_arm(self, arm);
    }

    fn visit_expr_binary(&mut self, binary: &'ast syn::ExprBinary) {
        match swapped(self.text(&binary.op)) {
            Some(operator) => self.edit(&binary.op, "the operator is another", operator),
            None if matches!(binary.op, BinOp::Add(_) | BinOp::Sub(_)) => {
                let left = self.text(&binary.left);
                self.edit(binary, "nothing is added", left);
            }
            None => {}
        }
        visit::visit_expr_binary(self, binary);
    }

    fn visit_expr_unary(&mut self, unary: &'ast syn::ExprUnary) {
        if matches!(unary.op, UnOp::Not(_)) {
            let operand = self.text(&unary.expr);
            self.edit(unary, "the condition is its opposite", operand);
        }
        visit::visit_expr_unary(self, unary);
    }

    fn visit_expr_method_call(&mut self, call: &'ast syn::ExprMethodCall) {
        let (name, receiver) = (call.method.to_string(), self.text(&call.receiver));
        if let Some(other) = other_method(&name) {
            self.edit(&call.method, "the method is another", other);
        }
        match name.as_str() {
            "filter" | "take_while" | "skip_while" => self.edit(call, "nothing is filtered", receiver),
            "contains" | "is_none_or" => self.edit(call, "the condition is always true", "true"),
            "is_some_and" => self.edit(call, "the condition is never true", "false"),
            _ => {}
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_expr_try(&mut self, attempt: &'ast syn::ExprTry) {
        self.edit(attempt, "the result is ignored", "Default::default()");
        if let Expr::MethodCall(call) = &*attempt.expr
            && call.method == "next"
        {
            let receiver = self.text(&call.receiver);
            self.edit(attempt, "nothing is added", receiver);
        }
        visit::visit_expr_try(self, attempt);
    }

    fn visit_field_value(&mut self, field: &'ast syn::FieldValue) {
        if field.colon_token.is_none() && self.text(field) == "now" {
            self.edit(field, "time stands still", "now: crate::Time::EPOCH");
        } else if field.colon_token.is_some() {
            visit::visit_field_value(self, field);
        }
    }

    fn visit_expr_field(&mut self, field: &'ast syn::ExprField) {
        if matches!(&field.member, syn::Member::Named(name) if name == "now") {
            self.edit(field, "time stands still", "crate::Time::EPOCH");
        }
        visit::visit_expr_field(self, field);
    }

    fn visit_expr_path(&mut self, path: &'ast syn::ExprPath) {
        let name = self.text(path);
        if name.rsplit("::").next().is_some_and(|name| name.starts_with("MAX_")) {
            self.edit(path, "the limit is doubled", format!("({name} * 2)"));
        } else if let Some(role) = name.strip_prefix("RootRole::") {
            let other = if role == "Timestamp" { "RootRole::Snapshot" } else { "RootRole::Timestamp" };
            self.edit(path, "the role is another", other);
        } else if name == "now" {
            self.edit(path, "time stands still", "crate::Time::EPOCH");
        }
    }
}

fn swapped(operator: &str) -> Option<&'static str> {
    Some(match operator {
        "<" => "<=",
        "<=" => "<",
        ">" => ">=",
        ">=" => ">",
        "==" => "!=",
        "!=" => "==",
        "&&" => "||",
        "||" => "&&",
        _ => return None,
    })
}

fn other_method(name: &str) -> Option<&'static str> {
    Some(match name {
        "all" => "any",
        "any" => "all",
        "is_err" => "is_ok",
        "is_none" => "is_some",
        "is_ok" => "is_err",
        "is_some" => "is_none",
        "max" => "min",
        "min" => "max",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Everything that may be made of `source`.
    fn mutants(source: &str) -> Vec<String> {
        let apply = |edit: Edit| {
            let mut text = source.to_owned();
            text.replace_range(edit.range, &edit.text);
            text
        };
        edits(&syn::parse_file(source).unwrap(), source).into_iter().map(apply).collect()
    }

    #[test]
    fn a_check_is_left_out() {
        assert!(
            mutants("fn f() -> Result<(), E> { g()?; Ok(()) }").contains(&"fn f() -> Result<(), E> {  Ok(()) }".into())
        );
    }

    #[test]
    fn a_condition_is_made_such_that_nothing_is_refused() {
        let made = mutants("fn f() -> R { if a < b { return Err(E); } r }");
        assert!(made.contains(&"fn f() -> R { if false { return Err(E); } r }".into()));
        assert!(made.contains(&"fn f() -> R { if a <= b { return Err(E); } r }".into()));
        assert!(!made.contains(&"fn f() -> R { if true { return Err(E); } r }".into()));
        let made = mutants("fn f() -> R { match a { true => Ok(()), false => Err(E) } }");
        assert!(made.contains(&"fn f() -> R { match true { true => Ok(()), false => Err(E) } }".into()));
    }

    #[test]
    fn tests_are_left_alone() {
        assert!(mutants("#[cfg(test)]\nmod tests { fn f() { g(); } }").is_empty());
        assert!(mutants("#[test]\nfn f() { g(); }").is_empty());
        assert!(!mutants("#[cfg(feature = \"testing\")]\nfn f() { g(); }").is_empty());
    }
}
