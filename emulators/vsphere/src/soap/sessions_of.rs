//! ServiceInstance and SessionManager: what a client does first and last.

use super::context::{Arguments, Context};
use super::fault::SoapFault;
use super::operations::Outcome;
use super::properties::service_content;
use super::value::{Data, Value};

pub(super) fn content(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    Ok(Outcome::Is(service_content(&context.world()).into()))
}

pub(super) fn current_time(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    Ok(Outcome::Is(context.home.now().into()))
}

pub(super) fn login(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let user = arguments.text("userName");
    if user.is_empty() {
        let refused = Data::new("InvalidLogin");
        return Err(SoapFault::new(
            refused,
            "Cannot complete login due to an incorrect user name or password.",
        ));
    }
    let session = context.vim.sessions.open(user, context.home.now());
    let shown = session.shown();
    context.opened = Some(session.key.clone());
    Ok(Outcome::Is(shown.into()))
}

pub(super) fn logout(context: &mut Context<'_>, _: &Arguments) -> Result<Outcome, SoapFault> {
    let key = context.session_mut()?.key.clone();
    context.vim.sessions.close(&key);
    Ok(Outcome::Done)
}

pub(super) fn is_active(context: &mut Context<'_>, arguments: &Arguments) -> Result<Outcome, SoapFault> {
    let (key, user) = (arguments.text("sessionID"), arguments.text("userName"));
    Ok(Outcome::Is(Value::Bool(context.vim.sessions.is_active(key, user))))
}
