//! A request that is turned away.

use axum::{
    Json,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bureau_kernel::error::{Code, Error};
use rmcp::model::{ErrorData, JsonRpcError, RequestId};
use serde_json::Value;

use super::super::metrics::HTTP_REFUSED;

/// The answer to it, and the label under which it is counted.
pub(super) struct Refusal {
    status: StatusCode,
    reason: &'static str,
    body: Box<Value>,
    header: Option<(HeaderName, &'static str)>,
}

impl Refusal {
    /// In Bureau's error form, with the HTTP status in it.
    pub(super) fn new(status: StatusCode, reason: &'static str, error: &Error) -> Self {
        let mut body = error.to_json();
        if let Some(value) = body.pointer_mut("/error/status") {
            *value = status.as_u16().into();
        }
        Self {
            status,
            reason,
            body: Box::new(body),
            header: None,
        }
    }

    /// In JSON-RPC's form.
    pub(super) fn json_rpc(
        status: StatusCode,
        reason: &'static str,
        error: ErrorData,
        id: Option<RequestId>,
    ) -> Self {
        let body = serde_json::to_value(JsonRpcError::new(id, error)).unwrap_or_default();
        Self {
            status,
            reason,
            body: Box::new(body),
            header: None,
        }
    }

    /// For a key that is not good, or good for less than the request's headers ask for.
    pub(super) fn of_caller(error: &Error) -> Self {
        let status = StatusCode::from_u16(error.code().status())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let refusal = Self::new(status, "caller", error);
        if error.code() == Code::Unauthorized {
            refusal.header(header::WWW_AUTHENTICATE, "Bearer error=\"invalid_token\"")
        } else {
            refusal
        }
    }

    /// For a caller that has too much under way, whatever of.
    pub(super) fn busy(message: &str) -> Self {
        let error = Error::new(Code::RateLimited, message).retry_after(1);
        Self::new(StatusCode::TOO_MANY_REQUESTS, "busy", &error).header(header::RETRY_AFTER, "1")
    }

    /// For a fault of ours.
    pub(super) fn internal(error: &Error) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error)
    }

    pub(super) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.header = Some((name, value));
        self
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        metrics::counter!(HTTP_REFUSED, "reason" => self.reason).increment(1);
        let mut response = (self.status, Json(*self.body)).into_response();
        if let Some((name, value)) = self.header {
            response
                .headers_mut()
                .insert(name, HeaderValue::from_static(value));
        }
        response
    }
}
