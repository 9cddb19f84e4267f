"""
Calls a server with unmodified boto3: python3 boto3_client.py URL ACCOUNT_ID
The keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Every check runs; one line is printed for
each, "ok SENTENCE" or "failed SENTENCE" with the traceback on standard error. Exit code 1 if one failed.
"""

import io
import sys
import traceback
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import boto3
import botocore
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import calculate_sha256, calculate_tree_hash

URL, ACCOUNT = sys.argv[1:3]
REGION = 'us-east-1'
VERSION = {'x-amz-glacier-version': '2012-06-01'}
MIB = 1024 * 1024
VECTORS = [
    (1, '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d'),
    (MIB, '9a058339229372b03c3b56553873e3681bb2ec068f7b9f08d7d6c9dd93157cbd'),
    (6 * MIB + MIB // 2, '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed'),
]

CHECKS = []


def check(function):
    """Registers a check; its docstring is the sentence that is printed."""
    CHECKS.append(function)
    return function


def client_of(region=REGION):
    # One attempt, because retries would hide faults of the server. No proxy from the environment.
    config = Config(retries={'total_max_attempts': 1}, proxies={}, max_pool_connections=16)
    return boto3.client('glacier', region_name=region, endpoint_url=URL, config=config)


client = client_of()
glacier = boto3.resource('glacier', region_name=REGION, endpoint_url=URL, config=Config(proxies={}))


def pattern(length):
    """The first bytes of pattern S, in rows of 256 bytes: within one, only the lowest byte of i differs."""
    rows = [bytes(low ^ mask for low in range(256)) for mask in range(256)]
    count = -(-length // 256)
    return b''.join(rows[(k ^ k >> 8 ^ k >> 16) & 0xFF] for k in range(count))[:length]


def tree_hash(data):
    """Computes the tree hash with botocore's own code."""
    return calculate_tree_hash(io.BytesIO(data))


def arn_of(vault):
    return f'arn:aws:glacier:{REGION}:{ACCOUNT}:vaults/{vault}'


def new_vault(name):
    client.create_vault(vaultName=name)
    return {'vaultName': name}


def new_upload(name, **options):
    new_vault(name)
    answer = client.initiate_multipart_upload(vaultName=name, partSize=str(MIB), **options)
    return {'vaultName': name, 'uploadId': answer['uploadId']}


def refused(kind, message, call, **arguments):
    """Asserts that the call fails with this class (or code, if boto3 has no class) and exactly this text."""
    try:
        call(**arguments)
    except ClientError as error:
        found = error.response['Error']
        assert found['Message'] == message, found
        if isinstance(kind, str):
            assert found['Code'] == kind, found
        else:
            assert isinstance(error, kind), type(error)
        return
    raise AssertionError('it was not refused')


def status(answer):
    return answer['ResponseMetadata']['HTTPStatusCode']


class Interfering:
    """A client with a handler for one botocore event, for requests that boto3 alone would not send."""

    def __init__(self, event, handler):
        self.client = client_of()
        self.client.meta.events.register_first(event, handler)

    def __getattr__(self, name):
        return getattr(self.client, name)


# Ways to the server


@check
def is_named_as_proxy():
    """requests in absolute form arrive when the server is set as the client's proxy"""
    config = Config(retries={'total_max_attempts': 1}, proxies={'http': URL})
    # A host that does not exist, so requests to it arrive only through the proxy.
    proxied = boto3.client('glacier', region_name=REGION, endpoint_url='http://glacier.invalid', config=config)
    proxied.create_vault(vaultName='proxied')
    archive = proxied.upload_archive(vaultName='proxied', body=b'Hello World!', archiveDescription='two  spaces')
    assert archive['checksum'] == '7f83b1657ff1fc53b92dc18148a1d65dfc2d4b1fa3d677284addd200126d9069'
    assert client.describe_vault(vaultName='proxied')['NumberOfArchives'] == 1
    refused(
        client.exceptions.ResourceNotFoundException,
        f'Vault not found for ARN: {arn_of("elsewhere")}',
        proxied.describe_vault,
        vaultName='elsewhere',
    )


@check
def ends_its_endpoint_with_a_slash():
    """an endpoint with one or two final slashes reaches the same vaults"""
    for end in ('/', '//'):
        config = Config(retries={'total_max_attempts': 1}, proxies={})
        slashed = boto3.client('glacier', region_name=REGION, endpoint_url=URL + end, config=config)
        slashed.create_vault(vaultName='slashed')
        assert slashed.describe_vault(vaultName='slashed')['VaultARN'] == arn_of('slashed')


# Imports


def importing(archive_id, date):
    """A client that gives its archives this id and date, in headers that it signs."""

    def add(request, **_):
        request.headers['x-moraine-archive-id'] = archive_id
        request.headers['x-moraine-creation-date'] = date

    return Interfering('before-sign.glacier', add)


@check
def imports():
    """an archive gets the id that a signed header gives, once, in one request and in parts"""
    vault = new_vault('imports')
    one = importing('imported-by-boto3', '2013-03-20T17:03:43.221Z')
    for _ in range(2):
        archive = one.upload_archive(body=b'Hello World!', **vault)
        assert archive['archiveId'] == 'imported-by-boto3', archive
    refused(
        client.exceptions.InvalidParameterValueException,
        'This archive ID cannot be used: imported-by-boto3',
        one.upload_archive,
        body=b'Hello World?',
        **vault,
    )
    parts = importing('imported-in-parts', '2013-03-20T17:03:43.221Z')
    starts = [parts.initiate_multipart_upload(partSize=str(MIB), **vault)['uploadId'] for _ in range(2)]
    assert starts[0] == starts[1], starts
    upload = {'uploadId': starts[0], **vault}
    client.upload_multipart_part(range='bytes 0-11/*', body=b'Hello World!', **upload)
    checksum = calculate_tree_hash(io.BytesIO(b'Hello World!'))
    done = client.complete_multipart_upload(archiveSize='12', checksum=checksum, **upload)
    assert done['archiveId'] == 'imported-in-parts', done
    assert client.describe_vault(**vault)['NumberOfArchives'] == 2


@check
def leaves_import_headers_unsigned():
    """an import whose headers are not signed is refused"""
    vault = new_vault('imports')

    def add(request, **_):
        request.headers['x-moraine-archive-id'] = 'unsigned'

    refused(
        'InvalidSignatureException',
        "'x-moraine-archive-id' must be a 'SignedHeader' in the AWS Authorization.",
        Interfering('before-send.glacier', add).upload_archive,
        body=b'Hello World!',
        **vault,
    )


# Vaults


@check
def creates_and_describes():
    """a vault is created, described, listed and deleted"""
    created = client.create_vault(accountId='-', vaultName='fresh')
    assert status(created) == 201
    assert created['location'] == f'/{ACCOUNT}/vaults/fresh'
    described = client.describe_vault(accountId=ACCOUNT, vaultName='fresh')
    assert described['VaultARN'] == arn_of('fresh')
    assert described['VaultName'] == 'fresh'
    assert described['NumberOfArchives'] == 0 and described['SizeInBytes'] == 0
    assert 'LastInventoryDate' not in described  # null on the wire
    assert described['CreationDate'].endswith('Z') and len(described['CreationDate']) == 24
    assert described['ResponseMetadata']['HTTPHeaders']['content-type'] == 'application/json'
    assert 'fresh' in [vault['VaultName'] for vault in client.list_vaults()['VaultList']]
    assert status(client.delete_vault(vaultName='fresh')) == 204
    refused(
        client.exceptions.ResourceNotFoundException,
        f'Vault not found for ARN: {arn_of("fresh")}',
        client.describe_vault,
        vaultName='fresh',
    )


@check
def repeats():
    """creating a vault again and deleting a missing one succeed"""
    first = client.create_vault(vaultName='again')
    created = client.describe_vault(vaultName='again')['CreationDate']
    assert client.create_vault(vaultName='again')['location'] == first['location']
    assert client.describe_vault(vaultName='again')['CreationDate'] == created
    for _ in range(2):
        assert status(client.delete_vault(vaultName='again')) == 204


@check
def lists_vaults():
    """the paginator lists 25 vaults in order of their names, ten per page"""
    elsewhere = client_of('eu-west-1')
    names = [f'v{i:02}' for i in range(25)]
    for name in reversed(names):
        elsewhere.create_vault(vaultName=name)
    pages = list(elsewhere.get_paginator('list_vaults').paginate(accountId='-'))
    assert [vault['VaultName'] for page in pages for vault in page['VaultList']] == names
    assert [len(page['VaultList']) for page in pages] == [10, 10, 5]
    small = elsewhere.get_paginator('list_vaults').paginate(PaginationConfig={'PageSize': 4, 'MaxItems': 7})
    assert [vault['VaultName'] for page in small for vault in page['VaultList']] == names[:7]
    first = elsewhere.list_vaults(limit='2')
    rest = elsewhere.list_vaults(limit='2', marker=first['Marker'])
    assert [vault['VaultName'] for vault in rest['VaultList']] == names[2:4]


@check
def keeps_regions_apart():
    """vaults of the same name in two regions are separate"""
    elsewhere = client_of('ap-south-1')
    elsewhere.create_vault(vaultName='elsewhere')
    described = elsewhere.describe_vault(vaultName='elsewhere')
    assert described['VaultARN'] == f'arn:aws:glacier:ap-south-1:{ACCOUNT}:vaults/elsewhere'
    refused(
        client.exceptions.ResourceNotFoundException,
        f'Vault not found for ARN: {arn_of("elsewhere")}',
        client.describe_vault,
        vaultName='elsewhere',
    )


@check
def waits():
    """the waiters notice that a vault is created and deleted"""
    now = {'Delay': 0, 'MaxAttempts': 2}

    # The vault is created (or deleted) right after the first poll, so the waiter must poll a second time.
    def once(action):
        pending = [action]
        return lambda **_: pending and pending.pop()(vaultName='awaited')

    looking = Interfering('after-call.glacier.DescribeVault', once(client.create_vault))
    looking.get_waiter('vault_exists').wait(vaultName='awaited', WaiterConfig=now)
    looking = Interfering('after-call.glacier.DescribeVault', once(client.delete_vault))
    looking.get_waiter('vault_not_exists').wait(vaultName='awaited', WaiterConfig=now)


# Tags


@check
def tags():
    """tags are added, overwritten, listed and removed"""
    vault = new_vault('tagged')
    assert client.list_tags_for_vault(**vault)['Tags'] == {}
    tags = {'owner': 'Zoë', 'cost center': '42', 'empty': ''}
    assert status(client.add_tags_to_vault(**vault, Tags=tags)) == 204
    client.add_tags_to_vault(**vault, Tags={'owner': 'Jo'})
    assert client.list_tags_for_vault(**vault)['Tags'] == {**tags, 'owner': 'Jo'}
    for _ in range(2):
        gone = client.remove_tags_from_vault(**vault, TagKeys=['owner', 'empty', 'never there'])
        assert status(gone) == 204
    assert client.list_tags_for_vault(**vault)['Tags'] == {'cost center': '42'}


@check
def limits_tags():
    """the 51st tag is refused with LimitExceededException"""
    vault = new_vault('much-tagged')
    for ten in range(5):
        client.add_tags_to_vault(**vault, Tags={f'key {ten}{i}': 'x' for i in range(10)})
    refused(
        client.exceptions.LimitExceededException,
        'The quota for the number of tags that can be assigned to this resource has been reached.',
        client.add_tags_to_vault,
        **vault,
        Tags={'one more': 'x'},
    )
    assert len(client.list_tags_for_vault(**vault)['Tags']) == 50


# Archives


@check
def uploads():
    """archives of 1 byte, 1 MiB and 6.5 MiB have the hashes of the known vectors"""
    vault = new_vault('vectors')
    for size, checksum in VECTORS:
        data = pattern(size)
        for body in (data, io.BytesIO(data)):
            uploaded = client.upload_archive(**vault, body=body, archiveDescription=f'{size} bytes')
            assert status(uploaded) == 201
            assert uploaded['checksum'] == checksum, (size, uploaded)
            assert len(uploaded['archiveId']) == 138
            assert uploaded['location'] == f'/{ACCOUNT}/vaults/vectors/archives/{uploaded["archiveId"]}'
            assert uploaded['ResponseMetadata']['HTTPHeaders']['content-length'] == '2'  # {}


@check
def deletes_archives():
    """an archive is deleted, again with the same answer, and then its vault can be deleted"""
    vault = new_vault('emptied')
    archive = client.upload_archive(**vault, body=b'Hello World!')['archiveId']
    refused(
        client.exceptions.InvalidParameterValueException,
        f'Vault not empty or recently written to: {arn_of("emptied")}',
        client.delete_vault,
        **vault,
    )
    for _ in range(2):
        assert status(client.delete_archive(**vault, archiveId=archive)) == 204
    assert status(client.delete_vault(**vault)) == 204


# Multipart uploads


@check
def completes_a_hundred_parts():
    """100 parts, eight at a time and out of order, are listed, completed, and completed again with one id"""
    upload = new_upload('hundred', archiveDescription='the  hundred')
    count = 100
    whole = pattern(count * MIB)
    parts = [whole[i * MIB : (i + 1) * MIB] for i in range(count)]
    ranges = [f'{i * MIB}-{(i + 1) * MIB - 1}' for i in range(count)]

    def send(i):
        return client.upload_multipart_part(**upload, body=parts[i], range=f'bytes {ranges[i]}/*')['checksum']

    # 37 and 100 are coprime, so each part is sent once, neighbours far apart and the last one first.
    order = [(i * 37 + 99) % count for i in range(count)]
    with ThreadPoolExecutor(max_workers=8) as pool:
        sent = dict(zip(order, pool.map(send, order)))
    hashes = [tree_hash(part) for part in parts]
    assert [sent[i] for i in range(count)] == hashes

    pages = list(client.get_paginator('list_parts').paginate(**upload))
    listed = [part for page in pages for part in page['Parts']]
    wanted = [{'RangeInBytes': r, 'SHA256TreeHash': h} for r, h in zip(ranges, hashes)]
    assert listed == wanted
    assert [len(page['Parts']) for page in pages] == [50, 50]
    assert pages[0]['ArchiveDescription'] == 'the  hundred' and pages[0]['PartSizeInBytes'] == MIB

    claim = {'archiveSize': str(len(whole)), 'checksum': tree_hash(whole)}
    done = client.complete_multipart_upload(**upload, **claim)
    assert status(done) == 201
    assert done['checksum'] == claim['checksum']
    assert done['location'] == f'/{ACCOUNT}/vaults/hundred/archives/{done["archiveId"]}'
    again = client.complete_multipart_upload(**upload, **claim)
    assert status(again) == 201
    assert again['archiveId'] == done['archiveId']
    described = client.describe_vault(vaultName='hundred')
    assert described['NumberOfArchives'] == 1
    assert described['SizeInBytes'] == len(whole) + 32768

    assert client.list_multipart_uploads(vaultName='hundred')['UploadsList'] == []
    gone = f'The upload ID was not found: {upload["uploadId"]}'
    missing = client.exceptions.ResourceNotFoundException
    refused(missing, gone, client.list_parts, **upload)
    refused(missing, gone, client.abort_multipart_upload, **upload)
    part = {'body': parts[0], 'range': f'bytes {ranges[0]}/*'}
    refused(missing, gone, client.upload_multipart_part, **upload, **part)


@check
def explains_a_refused_complete():
    """a Complete with a gap, a wrong size or a wrong hash is refused, and the upload stays open"""
    upload = new_upload('incomplete')
    invalid = client.exceptions.InvalidParameterValueException
    data = pattern(3 * MIB)

    def send(i):
        part = {'body': data[i * MIB : (i + 1) * MIB], 'range': f'bytes {i * MIB}-{(i + 1) * MIB - 1}/*'}
        client.upload_multipart_part(**upload, **part)

    def complete(size=3 * MIB, checksum=tree_hash(data)):
        return client.complete_multipart_upload(**upload, archiveSize=str(size), checksum=checksum)

    def refused_invalid(**claim):
        try:
            complete(**claim)
        except invalid as error:
            return error.response['Error']['Message']
        raise AssertionError('it was not refused')

    assert upload['uploadId'] in refused_invalid()
    send(0)
    send(2)
    assert '1048576-2097151' in refused_invalid()
    send(1)
    assert refused_invalid(size=MIB).startswith(f'Invalid x-amz-archive-size: {MIB}')
    wrong = '0123456789abcdef' * 4
    assert refused_invalid(checksum=wrong).startswith(f'Invalid x-amz-sha256-tree-hash: {wrong} The tree hash of')
    linear = calculate_sha256(io.BytesIO(data), as_hex=True)
    assert refused_invalid(checksum=linear).startswith(f'Invalid x-amz-sha256-tree-hash: {linear}')
    assert complete()['checksum'] == tree_hash(data)


@check
def aborts():
    """an upload is aborted, again with the same answer, and is gone at once"""
    upload = new_upload('aborted')
    client.upload_multipart_part(**upload, body=b'Hello World!', range='bytes 0-11/*')
    for _ in range(2):
        assert status(client.abort_multipart_upload(**upload)) == 204
    assert client.list_multipart_uploads(vaultName='aborted')['UploadsList'] == []
    refused(
        client.exceptions.ResourceNotFoundException,
        f'The upload ID was not found: {upload["uploadId"]}',
        client.list_parts,
        **upload,
    )


@check
def lists_uploads():
    """the paginator lists 55 uploads, each once, fifty per page"""
    opened = sorted(new_upload('many-uploads')['uploadId'] for _ in range(55))
    pages = list(client.get_paginator('list_multipart_uploads').paginate(vaultName='many-uploads'))
    assert [len(page['UploadsList']) for page in pages] == [50, 5]
    assert sorted(u['MultipartUploadId'] for page in pages for u in page['UploadsList']) == opened
    assert all(u['VaultARN'] == arn_of('many-uploads') for page in pages for u in page['UploadsList'])


@check
def keeps_descriptions():
    """unusual descriptions are kept byte for byte, except for leading spaces"""
    vault = new_vault('described')
    descriptions = [
        'two  spaces,   three   spaces',
        '%41%20percent%2Fescapes%00',
        'mt2 eyJmaWxlbmFtZSI6ImEvYiIsIm10aW1lIjoiMjAxMjAxMDFUMDAwMDAwWiJ9_-',
        r'quotes "double" \'single\' \\ & <xml/> {"json": [1, 2]} ; , = : #',
        '~' * 1024,
    ]
    for description in descriptions:
        upload = new_upload('described', archiveDescription=description)
        assert client.list_parts(**upload)['ArchiveDescription'] == description, description
    leading = new_upload('described', archiveDescription='   led by spaces')
    assert client.list_parts(**leading)['ArchiveDescription'] == 'led by spaces'
    plain = new_upload('described')
    assert 'ArchiveDescription' not in client.list_parts(**plain)  # null on the wire
    listed = client.list_multipart_uploads(**vault)['UploadsList']
    found = sorted(u['ArchiveDescription'] for u in listed if 'ArchiveDescription' in u)
    assert found == sorted([*descriptions, 'led by spaces'])


@check
def refuses_descriptions():
    """a description that is too long is refused"""
    try:
        client.upload_archive(**new_vault('too-long'), body=b'x', archiveDescription='x' * 1025)
    except client.exceptions.InvalidParameterValueException as error:
        assert '1025' in error.response['Error']['Message'], error
    else:
        raise AssertionError('it was not refused')


# Refusals


@check
def refuses_checksums():
    """wrong checksums are refused with the service's texts, and leave no archive behind"""
    vault = new_vault('mismatch')
    invalid = client.exceptions.InvalidParameterValueException
    body = b'Hello World!'
    computed = tree_hash(body)

    def upload(checksum):
        return {'call': client.upload_archive, **vault, 'body': body, 'checksum': checksum}

    refused(invalid, 'Invalid x-amz-sha256-tree-hash: 000', **upload('000'))
    zeros = f'Checksum mismatch: expected {"0" * 64}, computed {computed}'
    refused(invalid, zeros, **upload('0' * 32))
    refused(invalid, zeros, **upload('0' * 64))
    refused(
        invalid,
        'Invalid Content-Length: 0. The request has no body: an archive, and each part of one, has at least one byte.',
        client.upload_archive,
        **vault,
        body=b'',
    )
    assert client.describe_vault(**vault)['NumberOfArchives'] == 0


@check
def refuses_a_wrong_linear_hash():
    """a wrong x-amz-content-sha256 is reported as a wrong signature, before a wrong tree hash"""
    claimed = 'a' * 64

    def claim(params, **_):
        params['headers']['x-amz-content-sha256'] = claimed

    lying = Interfering('before-call.glacier.UploadArchive', claim)
    body = b'Hello World!'
    refused(
        'InvalidSignatureException',
        'The value passed in as x-amz-content-sha256 does not match the computed payload hash. '
        f'Computed digest: {tree_hash(body)} expected hash: {claimed}',
        lying.upload_archive,
        **new_vault('lying'),
        body=body,
        checksum='b' * 64,
    )


@check
def refuses_without_version():
    """a request without the version header is refused with MissingParameterValueException"""

    def forget(request, **_):
        del request.headers['x-amz-glacier-version']

    forgetful = Interfering('before-sign.glacier.*', forget)
    refused(
        client.exceptions.MissingParameterValueException,
        'Required parameter missing: API version',
        forgetful.list_vaults,
    )


@check
def refuses_without_hashes():
    """an upload without its hash headers is refused with MissingParameterValueException"""
    vault = new_vault('hashless')
    for header in ('x-amz-sha256-tree-hash', 'x-amz-content-sha256'):

        def forget(request, header=header, **_):
            del request.headers[header]

        forgetful = Interfering('before-sign.glacier.UploadArchive', forget)
        refused(
            client.exceptions.MissingParameterValueException,
            f'Required parameter missing: {header}',
            forgetful.upload_archive,
            **vault,
            body=b'x',
        )


@check
def refuses_names():
    """missing vaults and invalid vault names are reported as on the service"""
    missing = client.exceptions.ResourceNotFoundException
    gone = f'Vault not found for ARN: {arn_of("none")}'
    for call, arguments in (
        (client.describe_vault, {}),
        (client.list_multipart_uploads, {}),
        (client.list_tags_for_vault, {}),
        (client.upload_archive, {'body': b'x'}),
        (client.delete_archive, {'archiveId': 'x' * 138}),
        (client.initiate_multipart_upload, {'partSize': str(MIB)}),
    ):
        refused(missing, gone, call, vaultName='none', **arguments)
    refused(missing, 'Vault not found for ARN: testz:z', client.describe_vault, vaultName='testz:z')
    invalid = client.exceptions.InvalidParameterValueException
    refused(invalid, 'Invalid vault name: testz:z', client.create_vault, vaultName='testz:z')


@check
def refuses_part_sizes():
    """invalid part sizes are refused with the service's text"""
    vault = new_vault('part-sizes')
    for size in ('0', '10485760', '10485759', '17179869184'):
        refused(
            client.exceptions.InvalidParameterValueException,
            f'Invalid part size: {size}. Part size must not be null, must be a power of two and be between '
            '1048576 and 4294967296 bytes.',
            client.initiate_multipart_upload,
            **vault,
            partSize=size,
        )


@check
def refuses_ranges():
    """parts with a wrong range are refused with the service's texts"""
    upload = new_upload('ranges')
    for range, message in (
        ('bytes 0-4194303/*', 'Content-Range: bytes 0-4194303/* is incompatible with Content-Length: 12'),
        ('bytes 909994937-909994936/*', 'Invalid Content-Range: bytes 909994937-909994936/*'),
        ('bytes=0-11/*', 'Invalid Content-Range: bytes=0-11/*'),
        (
            'bytes 10485760000-10485760011/*',
            'This is part number 10001 for the current multipart upload. '
            'It exceeds the limit of 10000 parts.',
        ),
    ):
        refused(
            client.exceptions.InvalidParameterValueException,
            message,
            client.upload_multipart_part,
            **upload,
            body=b'Hello World!',
            range=range,
        )


@check
def refuses_strangers():
    """archives of another vault, unknown ids and other accounts are refused"""
    vault = new_vault('mine')
    archive = client.upload_archive(**new_vault('other'), body=b'x')['archiveId']
    refused(
        client.exceptions.InvalidParameterValueException,
        f'Invalid vault name: {arn_of("mine")}',
        client.delete_archive,
        **vault,
        archiveId=archive,
    )
    unknown = 'x' * 138
    refused(
        client.exceptions.ResourceNotFoundException,
        f'The archive ID was not found: {unknown}',
        client.delete_archive,
        **vault,
        archiveId=unknown,
    )
    refused(
        'AccessDeniedException',
        'Access denied for account ID: 000000000000',
        client.list_vaults,
        accountId='000000000000',
    )


# Presigned URLs


def fetch(url, method='GET', body=None, headers=VERSION):
    """Sends a presigned request as a client without boto3 would. Returns the status and the body."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with opener.open(request) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


@check
def takes_presigned_urls():
    """presigned URLs work with the version header added"""
    new_vault('presigned')
    params = {'accountId': '-', 'vaultName': 'presigned'}
    url = client.generate_presigned_url('describe_vault', Params=params)
    code, text = fetch(url)
    assert code == 200 and f'"VaultARN":"{arn_of("presigned")}"' in text, (code, text)
    code, text = fetch(url, headers={})
    assert code == 400 and 'Required parameter missing: API version' in text, (code, text)
    url = client.generate_presigned_url('create_vault', Params={**params, 'vaultName': 'by-url'})
    assert fetch(url, 'PUT', b'')[0] == 201
    assert client.describe_vault(vaultName='by-url')['VaultName'] == 'by-url'


@check
def refuses_changed_presigned_urls():
    """a presigned URL is not valid for another vault, another method or longer than a week"""
    new_vault('presigned')
    params = {'accountId': '-', 'vaultName': 'presigned'}
    url = client.generate_presigned_url('describe_vault', Params=params)
    for changed, method in ((url.replace('/vaults/presigned?', '/vaults/fresh?'), 'GET'), (url, 'DELETE')):
        code, text = fetch(changed, method)
        assert code == 403 and '"code":"InvalidSignatureException"' in text, (code, text)
    longer = client.generate_presigned_url('describe_vault', Params=params, ExpiresIn=604801)
    assert fetch(longer)[0] in (400, 403)


# The resource API


@check
def resources_for_vaults():
    """the resource API creates a vault, reads its attributes and finds it in its collections"""
    vault = glacier.create_vault(vaultName='resource')
    assert vault == glacier.Vault('-', 'resource') and vault.vault_arn == arn_of('resource')
    assert vault.number_of_archives == 0 and vault.size_in_bytes == 0
    assert vault.last_inventory_date is None
    assert glacier.Account('-').create_vault(vaultName='resource').name == 'resource'
    names = [found.name for found in glacier.vaults.all()]
    assert len(names) > 10 and names == sorted(set(names)) and 'resource' in names
    assert [found.name for found in glacier.Account(ACCOUNT).vaults.limit(3)] == names[:3]
    assert [len(page) for page in glacier.vaults.page_size(4).pages()][0] == 4


@check
def resources_for_archives():
    """the resource API uploads an archive and deletes it"""
    vault = glacier.Vault('-', 'resource-archives')
    vault.create()
    archive = vault.upload_archive(body=pattern(VECTORS[1][0]), archiveDescription='by the resource')
    assert len(archive.id) == 138 and archive.vault_name == 'resource-archives'
    vault.reload()
    assert vault.number_of_archives == 1
    same = glacier.Archive('-', 'resource-archives', archive.id)
    same.delete()
    archive.delete()
    vault.delete()
    refused('ResourceNotFoundException', f'Vault not found for ARN: {arn_of(vault.name)}', vault.reload)


@check
def resources_for_uploads():
    """the resource API sends parts, completes one upload and aborts another"""
    vault = glacier.Vault('-', 'resource-uploads')
    vault.create()
    size, checksum = VECTORS[2]
    data = pattern(size)
    upload = vault.initiate_multipart_upload(partSize=str(4 * MIB), archiveDescription='in two parts')
    other = vault.initiate_multipart_upload(partSize=str(MIB))
    for first, last in ((4 * MIB, size - 1), (0, 4 * MIB - 1)):
        upload.upload_part(body=data[first : last + 1], range=f'bytes {first}-{last}/*')
    parts = upload.parts()
    assert [part['RangeInBytes'] for part in parts['Parts']] == ['0-4194303', '4194304-6815743']
    assert parts['ArchiveDescription'] == 'in two parts'

    found = {open.id: open for open in vault.multipart_uploads.all()}
    assert set(found) == {upload.id, other.id}
    assert found[upload.id].archive_description == 'in two parts'
    assert found[upload.id].part_size_in_bytes == 4 * MIB
    assert found[upload.id].multipart_upload_id == upload.id
    assert found[upload.id].vault_arn == arn_of('resource-uploads')
    assert {open.id for open in vault.multipart_uplaods.all()} == set(found)  # boto3's own typo

    done = upload.complete(archiveSize=str(size), checksum=checksum)
    assert done['checksum'] == checksum
    assert status(glacier.MultipartUpload('-', vault.name, other.id).abort()) == 204
    assert list(vault.multipart_uploads.all()) == []
    vault.Archive(done['archiveId']).delete()
    vault.delete()


def main():
    failures = 0
    for function in CHECKS:
        try:
            function()
            print('ok', function.__doc__, flush=True)
        except Exception:
            failures += 1
            print('failed', function.__doc__, flush=True)
            print(f'{function.__doc__}:\n{traceback.format_exc()}', file=sys.stderr, flush=True)
    print(f'# boto3 {boto3.__version__}, botocore {botocore.__version__}: {len(CHECKS)} checks', flush=True)
    sys.exit(1 if failures else 0)


if __name__ == '__main__':
    main()
