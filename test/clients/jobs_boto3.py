"""
Jobs through unmodified boto3: python3 jobs_boto3.py URL ACCOUNT_ID
The server is an emulator with --job-times expedited=1m,standard=4h,bulk=8h,inventory=4h. The keys come from
AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. Every check runs; one line is printed for each, "ok SENTENCE" or
"failed SENTENCE" with the traceback on standard error. Exit code 1 if one failed.
"""

import csv
import hashlib
import io
import json
import sys
import traceback
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.utils import calculate_tree_hash

URL, ACCOUNT = sys.argv[1:3]
REGION = 'us-east-1'
MIB = 1024 * 1024
SIZE = 6 * MIB + MIB // 2
WHOLE = '1c833c9f44b60d280c028b70685cd620569c54b94be0c2f315b8820ac79115ed'

config = Config(retries={'total_max_attempts': 1}, proxies={})
client = boto3.client('glacier', region_name=REGION, endpoint_url=URL, config=config)
glacier = boto3.resource('glacier', region_name=REGION, endpoint_url=URL, config=config)

CHECKS = []


def check(function):
    """Registers a check; its docstring is the sentence that is printed."""
    CHECKS.append(function)
    return function


def pattern(length):
    """The first bytes of pattern S, in rows of 256 bytes: within one, only the lowest byte of i differs."""
    rows = [bytes(low ^ mask for low in range(256)) for mask in range(256)]
    count = -(-length // 256)
    return b''.join(rows[(k ^ k >> 8 ^ k >> 16) & 0xFF] for k in range(count))[:length]


PATTERN = pattern(SIZE)
client.create_vault(vaultName='v')
ARCHIVE = client.upload_archive(vaultName='v', archiveDescription='a pattern', body=PATTERN)['archiveId']


def advance(by):
    """Sets the emulator's clock forward; returns its time."""
    body = json.dumps({'advance': by}).encode()
    headers = {'Content-Type': 'application/json'}
    request = urllib.request.Request(f'{URL}/_moraine/emulator/clock', body, headers)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request) as answer:
        return json.load(answer)['now']


def start(vault='v', **parameters):
    answer = client.initiate_job(vaultName=vault, jobParameters=parameters)
    assert answer['location'] == f'/{ACCOUNT}/vaults/{vault}/jobs/{answer["jobId"]}', answer
    return answer['jobId']


def retrieve(**parameters):
    return start(Type='archive-retrieval', ArchiveId=ARCHIVE, **parameters)


def output(job, vault='v', **more):
    answer = client.get_job_output(vaultName=vault, jobId=job, **more)
    return answer, answer['body'].read()


def refused(code, message, call):
    try:
        call()
    except ClientError as error:
        assert error.response['Error']['Code'] == code, error
        assert error.response['Error']['Message'] == message, error
    else:
        raise AssertionError('it was not refused')


@check
def tiers():
    """retrieves an archive in each tier: refused before it is due, then whole, and unknown a day later"""
    for tier, time in [('Expedited', '2m'), ('Standard', '5h'), ('Bulk', '9h')]:
        job = retrieve(Tier=tier)
        refused(
            'InvalidParameterValueException',
            f'The job is not currently available for download: {job}',
            lambda: output(job),
        )
        advance(time)
        answer, body = output(job)
        assert body == PATTERN
        assert (answer['status'], answer['checksum']) == (200, WHOLE), answer
        assert answer['archiveDescription'] == 'a pattern', answer
        assert client.describe_job(vaultName='v', jobId=job)['Tier'] == tier
        advance('24h')
        refused('ResourceNotFoundException', f'The job ID was not found: {job}', lambda: output(job))


@check
def ranges():
    """downloads an archive in aligned ranges, whose checksums agree with botocore's, and in unaligned ones"""
    job = retrieve()
    advance('5h')
    for first, last, aligned in [
        (0, SIZE - 1, True),
        (0, 4 * MIB - 1, True),
        (4 * MIB, SIZE - 1, True),
        (4 * MIB, 8 * MIB - 1, True),
        (MIB, 3 * MIB - 1, False),
        (0, 1023, False),
    ]:
        answer, body = output(job, range=f'bytes={first}-{last}')
        last = min(last, SIZE - 1)
        assert body == PATTERN[first : last + 1]
        assert answer['status'] == 206, answer
        assert answer['contentRange'] == f'bytes {first}-{last}/{SIZE}', answer
        assert answer.get('checksum') == (calculate_tree_hash(io.BytesIO(body)) if aligned else None), answer
    refused(
        'InvalidParameterValueException',
        f'The start of the range is larger than size of retrieved data: bytes={SIZE}-',
        lambda: output(job, range=f'bytes={SIZE}-'),
    )


@check
def ranged_jobs():
    """retrieves ranges of an archive, with a checksum if they are aligned to its tree"""
    aligned = retrieve(RetrievalByteRange='4194304-6815743')
    other = retrieve(RetrievalByteRange='1048576-3145727')
    advance('5h')
    answer, body = output(aligned)
    assert body == PATTERN[4 * MIB :]
    assert answer['checksum'] == calculate_tree_hash(io.BytesIO(body)), answer
    answer, body = output(other)
    assert body == PATTERN[MIB : 3 * MIB]
    assert 'checksum' not in answer, answer
    answer, body = output(aligned, range='bytes=0-1048575')
    assert body == PATTERN[4 * MIB : 5 * MIB]
    assert answer['checksum'] == hashlib.sha256(body).hexdigest(), answer


@check
def inventories():
    """gets inventories in both formats, by date, and page by page"""
    client.create_vault(vaultName='listed')
    ids, times = [], []
    for i in range(7):
        upload = client.upload_archive(vaultName='listed', archiveDescription=f'no. {i}, "{i}"', body=b'x' * (i + 1))
        ids.append(upload['archiveId'])
        times.append(advance('1m'))

    def inventory(form, **parameters):
        kind = {'Type': 'inventory-retrieval', 'Format': form}
        job = start('listed', **kind, InventoryRetrievalParameters=parameters)
        advance('5h')
        described = client.describe_job(vaultName='listed', jobId=job)
        answer, body = output(job, 'listed')
        assert described['InventorySizeInBytes'] == len(body), described
        if form == 'CSV':
            assert answer['contentType'] == 'text/csv', answer
            rows = list(csv.DictReader(io.StringIO(body.decode()), doublequote=False, escapechar='\\'))
        else:
            assert answer['contentType'] == 'application/json', answer
            rows = json.loads(body)['ArchiveList']
        return rows, described['InventoryRetrievalParameters'].get('Marker')

    def listed(rows):
        return [row['ArchiveId'] for row in rows]

    for form in ['JSON', 'CSV']:
        rows, marker = inventory(form)
        assert listed(rows) == ids and marker is None
        assert [row['ArchiveDescription'] for row in rows] == [f'no. {i}, "{i}"' for i in range(7)]
        assert [int(row['Size']) for row in rows] == list(range(1, 8))
        assert listed(inventory(form, StartDate=times[2])[0]) == ids[3:]
        assert listed(inventory(form, EndDate=times[2])[0]) == ids[:3]
        assert listed(inventory(form, StartDate=times[1], EndDate=times[4])[0]) == ids[2:5]
        pages, marker = [], None
        while True:
            rows, marker = inventory(form, Limit='3', **({'Marker': marker} if marker else {}))
            pages += listed(rows)
            if marker is None:
                break
        assert pages == ids


@check
def resources():
    """does the same with the resource API: vaults, archives and jobs"""
    archive = glacier.Archive(ACCOUNT, 'v', ARCHIVE)
    job = archive.initiate_archive_retrieval()
    inventory = glacier.Vault(ACCOUNT, 'v').initiate_inventory_retrieval()
    advance('5h')
    job.load()
    assert job.completed and job.status_code == 'Succeeded'
    assert job.get_output()['body'].read() == PATTERN
    assert json.loads(inventory.get_output()['body'].read())['VaultARN'].endswith(':vaults/v')
    assert job.id in [found.id for found in glacier.Vault(ACCOUNT, 'v').succeeded_jobs.all()]


@check
def lists():
    """lists jobs with a paginator, newest first, by state"""
    jobs = [retrieve() for _ in range(5)]
    pages = client.get_paginator('list_jobs').paginate(
        accountId='-', vaultName='v', statuscode='InProgress', PaginationConfig={'PageSize': 2}
    )
    assert [job['JobId'] for page in pages for job in page['JobList']][:5] == jobs[::-1]
    refused(
        'InvalidParameterValueException',
        'The job status code is not valid: finished',
        lambda: client.list_jobs(vaultName='v', statuscode='finished'),
    )


@check
def policy_and_capacity():
    """returns the largest rate of a retrieval policy, and a unit of provisioned capacity"""
    rules = [{'Strategy': 'BytesPerHour', 'BytesPerHour': 2**63 - 1}]
    client.set_data_retrieval_policy(Policy={'Rules': rules})
    assert client.get_data_retrieval_policy()['Policy']['Rules'] == rules
    client.set_data_retrieval_policy(Policy={'Rules': [{'Strategy': 'BytesPerHour', 'BytesPerHour': 1}]})
    denied = 'InitiateJob request denied by current data retrieval policy.'
    refused('PolicyEnforcedException', denied, retrieve)
    client.set_data_retrieval_policy(Policy={'Rules': [{'Strategy': 'None'}]})
    unit = client.purchase_provisioned_capacity()['capacityId']
    assert [u['CapacityId'] for u in client.list_provisioned_capacity()['ProvisionedCapacityList']] == [unit]


@check
def notifications():
    """sets, gets and deletes the notifications of a vault"""
    wanted = {'SNSTopic': f'arn:aws:sns:{REGION}:{ACCOUNT}:t', 'Events': ['InventoryRetrievalCompleted']}
    client.set_vault_notifications(vaultName='v', vaultNotificationConfig=wanted)
    assert client.get_vault_notifications(vaultName='v')['vaultNotificationConfig'] == wanted
    client.delete_vault_notifications(vaultName='v')
    refused(
        'ResourceNotFoundException',
        'No notification configuration is set for vault: v',
        lambda: client.get_vault_notifications(vaultName='v'),
    )


def main():
    failures = 0
    for function in CHECKS:
        try:
            function()
            print('ok', function.__doc__)
        except Exception:
            failures += 1
            print('failed', function.__doc__)
            print(f'{function.__doc__}:\n{traceback.format_exc()}', file=sys.stderr)
    print(f'# boto3 {boto3.__version__}: {len(CHECKS)} checks')
    sys.exit(1 if failures else 0)


main()
