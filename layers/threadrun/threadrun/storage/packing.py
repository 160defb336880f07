"""What an item of the table holds as JSON, packed into bytes.

DynamoDB bills each kilobyte that is written, and most of a small record is the names of its fields: the compressor has
seen them before, in a dictionary. Without it a record takes two write units, with it one.
"""

from __future__ import annotations

import zlib

_DICTIONARY = (
    b'{"stack_id":"arn:aws:cloudformation:us-east-1::stack/","logical_id":"","requests":{"":{"request_id":"",'
    b'"request_type":"Create",'
    b'"response_url":"https://cloudformation-custom-resource-response-useast1.s3.us-east-1.amazonaws.com/'
    b"arn%3Aaws%3Acloudformation%3Aus-east-1%3A%3Astack/%7C?"
    b"X-Amz-Algorithm=AWS4-HMAC-SHA256&"
    b"X-Amz-Date=20&X-Amz-SignedHeaders=host&X-Amz-Expires=7200&"
    b'X-Amz-Credential=AKIA%2F20%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Signature=","physical_id":null,'
    b'"target_key":"","asked":"","asked_before":"","received_epoch_s":1,"issued_epoch_s":1,"deadline_epoch_s":1,'
    b'"is_superseded":false,"has_finished":true,"failure":null,"response":{"status":"SUCCESS","physical_id":"",'
    b'"reason":"","target_key":"","is_delivered":false}}},"made":{"":{"key":"","identity":"",'
    b'"desired":{"timeout_seconds":null,"deletion_policy":null,"model":"gpt-5.4-mini","instructions":null,'
    b'"tools":null,"temperature":null,"top_p":null,"response_format":null,"reasoning_effort":null,'
    b'"verbosity":null,"assistant_id":null,"thread":{"messages":[{"role":"user","content":"","attachments":null,'
    b'"metadata":null}],"metadata":null},"existing_thread_id":null,"additional_messages":null,"metadata":{},'
    b'"stream":false,"max_completion_tokens":null,"service_tier":null,"prompt_cache_key":null,'
    b'"safety_identifier":null,"parallel_tool_calls":null,"max_tool_calls":null,"tool_choice":null,'
    b'"additional_instructions":null,"truncation":null,"extra_body":null,"import_id":null,"triggers":null,'
    b'"accept_statuses":null,"max_tool_rounds":null,"max_retries":null,"on_tool_error":null,"reason_key":null,'
    b'"accept_refusal":false},"goal":"present","options":{"deletion_policy":null,"key_style":"snake_case",'
    b'"accept_statuses":null},"window":{"since_epoch_s":1,"deadline_epoch_s":1},'
    b'"wait":{"reason":"the run is queued","until_epoch_s":0.0,"since_epoch_s":1},"failure":null,'
    b'"must_recheck":false,"is_acknowledged":false,"kind":"run","resolution":{"assistant":null,'
    b'"assistant_id":null,"assistant_version":null,"leaves_calls_to_user":false,"file_ids":[],"secret_arns":[]},'
    b'"thread":{"id":"conv_","is_ours":true},"files":{"vector_store_id":null,"is_ready":true},'
    b'"attempt":{"intended_epoch_s":1,"owner":null,"after_item_id":null,"earlier":"none"},"run":{"id":"resp_",'
    b'"is_ours":true},"round":{"number":0,"calls":{},"earlier_calls":0,"is_submitted":false,"chain":[],'
    b'"usage_before":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"cached_tokens":0,'
    b'"reasoning_tokens":0}},"observed":{"status":"completed","created_at":1,"started_at":200,"completed_at":200,'
    b'"model":null,"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0,"cached_tokens":0,'
    b'"reasoning_tokens":0},"problem":null,"failed_ids":[]},"item":{"is_staged":true,"output_s3_uri":null},'
    b'"timeline":[["starting",1],["running",1],["answering",1]]}},"past":[]}'
)
"""Never to be changed: it is needed to read what was packed with it. Names that are new are packed all the same.

Source: https://docs.python.org/3/library/zlib.html#zlib.compressobj
"""


def pack(text: str) -> bytes:
    compressor = zlib.compressobj(zdict=_DICTIONARY)
    return compressor.compress(text.encode()) + compressor.flush()


def unpack(packed: bytes) -> bytes:
    """Raises `ValueError` for what was not packed, or not wholly."""
    decompressor = zlib.decompressobj(zdict=_DICTIONARY)
    try:
        text = decompressor.decompress(packed)
    except zlib.error as error:
        raise ValueError(str(error)) from None
    if not decompressor.eof:
        raise ValueError("its end is missing")
    return text
