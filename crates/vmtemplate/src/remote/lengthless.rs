//! Answers that do not say how long they are: chunked ones, and those that end with the connection (RFC 9112, 6.3).
//!
//! object_store wants a length of every answer. Where a server states none, [`UNKNOWN`] is put in its place; the end of
//! a chunked answer is marked, so that one that was cut is an error all the same.

use std::future::Future;
use std::pin::Pin;

use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpRequest, HttpResponse, HttpService, ReqwestConnector,
};
use object_store::{ClientOptions, HeaderValue};

/// What an answer without a length is said to have; no file has as much.
pub(super) const UNKNOWN: u64 = u64::MAX;

/// Makes clients that take such answers.
#[derive(Debug)]
pub(super) struct Connector;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(ReqwestConnector::default().connect(options)?)))
    }
}

#[derive(Debug)]
struct Service(HttpClient);

impl HttpService for Service {
    // The trait is made by `async_trait`; this is what it stands for.
    fn call<'a, 'f>(
        &'a self,
        request: HttpRequest,
    ) -> Pin<Box<dyn Future<Output = Result<HttpResponse, HttpError>> + Send + 'f>>
    where
        'a: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let mut response = self.0.execute(request).await?;
            if response.status().is_success() {
                response.headers_mut().entry("content-length").or_insert(HeaderValue::from(UNKNOWN));
            }
            Ok(response)
        })
    }
}
