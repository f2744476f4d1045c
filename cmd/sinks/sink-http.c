/*
 * sink-http - an HTTP server as a destination of dd-deliver
 *
 * http://… and https://…: one batch is one POST of NDJSON. Only a final 2xx answer means accepted;
 * where no answer came the server may have taken the batch all the same, so it is delivered at
 * least once.
 */
#include <curl/curl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/die.h"
#include "tool/sink.h"

enum {
	ANSWER_BYTES_MAX = 256, /* how much of an answer is quoted */
	REASON_MAX = 16,
	BATCH_RECORDS_MAX = 100000,
	BATCH_BYTES_MAX = 64 << 20,
};

static struct {
	CURL *curl;
	struct curl_slist *headers;
	struct buf key;          /* the header that names the batch at hand, */
	struct curl_slist keyed; /* at the head of the others */
	struct buf answer;       /* its first bytes */
	char trouble[CURL_ERROR_SIZE];
} http;

static size_t answer_take(char *bytes, size_t one, size_t len, void *context)
{
	size_t room = ANSWER_BYTES_MAX - http.answer.len;

	(void)one;
	(void)context;
	for (size_t i = 0; i < len && i < room; i++)
		buf_char(&http.answer, bytes[i] ? bytes[i] : ' ');
	return len;
}

/* A URL is on the command line for everybody to see: no password may be there. */
static void url_check(const char *url)
{
	CURLU *parts = curl_url();
	char *password = NULL;
	CURLUcode rc = curl_url_set(parts, CURLUPART_URL, url, 0);

	if (rc == CURLUE_OK)
		curl_url_get(parts, CURLUPART_PASSWORD, &password, 0);
	curl_url_cleanup(parts);
	if (rc != CURLUE_OK)
		sink_fail(EX_USAGE, "not a URL that can be used: %s", curl_url_strerror(rc));
	if (password) {
		curl_free(password);
		sink_fail(EX_USAGE, "a password in the URL: put it into ~/.netrc");
	}
}

static void set(CURLcode rc)
{
	if (rc != CURLE_OK)
		sink_fail(EX_CONFIG, "libcurl: %s", curl_easy_strerror(rc));
}

/* The library itself does not look at what its command and OpenSSL take from the environment. */
static void authorities_set(void)
{
	const char *file = getenv("CURL_CA_BUNDLE");

	if (!file || !*file)
		file = getenv("SSL_CERT_FILE");
	if (file && *file)
		set(curl_easy_setopt(http.curl, CURLOPT_CAINFO, file));
}

static void header_add(const char *header)
{
	struct curl_slist *longer = curl_slist_append(http.headers, header);

	if (!longer)
		die(EX_TEMPFAIL, "out of memory");
	http.headers = longer;
}

static void http_open(const struct sink_target *target)
{
	long timeout_ms = target->timeout_ms > LONG_MAX ? LONG_MAX : (long)target->timeout_ms;

	url_check(target->url);
	set(curl_global_init(CURL_GLOBAL_DEFAULT));
	http.curl = curl_easy_init();
	if (!http.curl)
		die(EX_TEMPFAIL, "out of memory");
	header_add("Content-Type: application/x-ndjson");
	header_add("Expect:");
	set(curl_easy_setopt(http.curl, CURLOPT_URL, target->url));
	set(curl_easy_setopt(http.curl, CURLOPT_PROTOCOLS_STR, "http,https"));
	set(curl_easy_setopt(http.curl, CURLOPT_USERAGENT, "ddpipe/" VERSION));
	set(curl_easy_setopt(http.curl, CURLOPT_NETRC, (long)CURL_NETRC_OPTIONAL));
	set(curl_easy_setopt(http.curl, CURLOPT_TIMEOUT_MS, timeout_ms));
	set(curl_easy_setopt(http.curl, CURLOPT_CONNECTTIMEOUT_MS, timeout_ms));
	set(curl_easy_setopt(http.curl, CURLOPT_NOSIGNAL, 1L));
	set(curl_easy_setopt(http.curl, CURLOPT_WRITEFUNCTION, answer_take));
	set(curl_easy_setopt(http.curl, CURLOPT_ERRORBUFFER, http.trouble));
	authorities_set();
}

/* Milliseconds, 0 when the server did not say. A date is compared with the clock by libcurl. */
static int64_t retry_after_ms(void)
{
	curl_off_t seconds = 0;

	if (curl_easy_getinfo(http.curl, CURLINFO_RETRY_AFTER, &seconds) != CURLE_OK || seconds < 0)
		return 0;
	return seconds > INT64_MAX / 1000 ? INT64_MAX : (int64_t)seconds * 1000;
}

/* 409, with a key, is an earlier try that the server has not done with. */
static bool is_passing(long status, bool has_key)
{
	return status == 408 || status == 425 || status == 429 || status >= 500 ||
	       (has_key && status == 409);
}

static void answer_judge(const struct sink_batch *batch, struct sink_verdict *verdict)
{
	char reason[REASON_MAX];
	const char *answer = buf_string(&http.answer);
	const char *blank = *answer ? " " : "";
	char *elsewhere = NULL;
	long status = 0;

	curl_easy_getinfo(http.curl, CURLINFO_RESPONSE_CODE, &status);
	snprintf(reason, sizeof(reason), "http_%ld", status);
	if (status >= 200 && status < 300)
		return;
	if (is_passing(status, batch->key != NULL)) {
		sink_retry(verdict, reason, retry_after_ms(), "%ld%s%s", status, blank, answer);
		return;
	}
	curl_easy_getinfo(http.curl, CURLINFO_REDIRECT_URL, &elsewhere);
	if (elsewhere)
		sink_reject(verdict, reason, "%ld: the server points to %s; name that one", status,
			elsewhere);
	else
		sink_reject(verdict, reason, "%ld%s%s", status, blank, answer);
}

/* No answer came. A wrong certificate, or none to check it by, does not pass by waiting. */
static void failure_judge(CURLcode rc, struct sink_verdict *verdict)
{
	const char *why = *http.trouble ? http.trouble : curl_easy_strerror(rc);

	switch (rc) {
	case CURLE_UNSUPPORTED_PROTOCOL:
	case CURLE_URL_MALFORMAT:
		sink_fail(EX_USAGE, "%s", why);
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_INVALIDCERTSTATUS:
		sink_fail(EX_CONFIG,
			"%s (CURL_CA_BUNDLE and SSL_CERT_FILE name the authorities to trust)", why);
	case CURLE_OUT_OF_MEMORY:
		sink_fail(EX_TEMPFAIL, "%s", why);
	default:
		sink_retry(verdict, "connection", 0, "%s", why);
	}
}

/* A string as RFC 8941 has it, which this header is to be. */
static void key_header(struct buf *to, const char *key)
{
	buf_clear(to);
	buf_text(to, "Idempotency-Key: \"");
	for (; *key; key++) {
		if (*key == '"' || *key == '\\')
			buf_char(to, '\\');
		buf_char(to, *key);
	}
	buf_char(to, '"');
	buf_string(to);
}

/* The headers of this batch: its own one before those that all have. */
static void headers_set(const struct sink_batch *batch)
{
	struct curl_slist *headers = http.headers;

	if (batch->key) {
		key_header(&http.key, batch->key);
		http.keyed = (struct curl_slist){.data = http.key.data, .next = http.headers};
		headers = &http.keyed;
	}
	set(curl_easy_setopt(http.curl, CURLOPT_HTTPHEADER, headers));
}

static void http_batch(const struct sink_batch *batch, struct sink_verdict *verdict)
{
	CURLcode rc;

	headers_set(batch);
	buf_clear(&http.answer);
	*http.trouble = '\0';
	set(curl_easy_setopt(http.curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)batch->len));
	set(curl_easy_setopt(http.curl, CURLOPT_POSTFIELDS, batch->lines));
	rc = curl_easy_perform(http.curl);
	if (rc == CURLE_OK)
		answer_judge(batch, verdict);
	else
		failure_judge(rc, verdict);
}

static void http_close(void)
{
	curl_easy_cleanup(http.curl);
	curl_slist_free_all(http.headers);
	curl_global_cleanup();
	buf_release(&http.answer);
	buf_release(&http.key);
}

int main(int argc, char **argv)
{
	static const struct sink sink = {
		.name = "http",
		.max_records = BATCH_RECORDS_MAX,
		.max_bytes = BATCH_BYTES_MAX,
		.can_keys = true,
		.open = http_open,
		.batch = http_batch,
		.close = http_close,
	};

	return sink_run(&sink, argc, argv);
}
