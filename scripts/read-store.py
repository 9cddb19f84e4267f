#!/usr/bin/env python3
"""Reads a Moraine store without Moraine.

Lists every archive in a store folder, verifies all hashes, and can write one archive to a file.
Written from docs/format.md, which explains each step. Needs only Python 3.8 or newer. No server may
use the store meanwhile, so stop it or read a snapshot. Changes nothing in the store.

Prints one line per archive, separated by tabs: account/region/vault, archive id, bytes, tree hash,
description as JSON. Exit code 0: no damage. 1: damage, described on standard error. 2: wrong usage,
no such archive, or not a store.
"""
import argparse
import hashlib
import itertools
import json
import os
import re
import struct
import sys
import zlib

MIB = 1024 * 1024
FOOTER = struct.Struct('<8sIIQIHH32s')
EXTENSION_BYTES = 16
HEADER = struct.Struct('<8sIIQQ16s16s')
TABLE_HEAD = struct.Struct('<8sII')
TABLE_ENTRY = struct.Struct('<QQ')
REMOVAL = struct.Struct('<QII')
ALIGN = 64
COMBINATIONS_TRIED = 10_000
KINDS = {'vault-created', 'vault-deleted', 'vault-tags', 'vault-notifications', 'vault-access-policy',
         'vault-lock', 'upload-started', 'upload-completed', 'upload-ended', 'archive-deleted',
         'retrieval-policy', 'capacity-unit', 'account-created', 'user-created', 'user-deleted', 'user-policy',
         'access-key', 'access-key-deleted', 'setting', 'archive-imported', 'archive-numbered',
         'archives-kept', 'archives-deleted', 'ids-used', 'numbers-skipped'}
PER_MS = 1024


class Damaged(Exception):
    """Something in the store differs from what was written."""


class Unusable(Exception):
    """The command line does not fit this store."""


def sha256(data):
    return hashlib.sha256(data).digest()


def fold(digests):
    while len(digests) > 1:
        pairs = [digests[i:i + 2] for i in range(0, len(digests), 2)]
        digests = [sha256(b''.join(pair)) if len(pair) == 2 else pair[0] for pair in pairs]
    return digests[0].hex()


def aligned(number):
    return -(-number // ALIGN) * ALIGN


def read_note(path):
    """Reads the text of a note. From version 3 on, a last line proves the text."""
    with open(path, 'rb') as file:
        content = file.read()
    last = re.search(rb'\n([0-9a-f]{32}) ([0-9]{1,16} [0-9]{1,16})\n\Z', content)
    text = content[:last.start()] if last else content
    if last and sha256(text + b'\n' + last[2]).hex()[:32].encode() != last[1]:
        raise Damaged(f'{path}: the note was changed')
    try:
        json.loads(text)
    except ValueError:
        raise Damaged(f'{path}: the note is empty or cut') from None
    return text


class Journal:
    """The entries of all files by number, and what is damaged."""

    def __init__(self, folder):
        self.entries, self.damage = {}, []
        self.closed_before = 0
        note = os.path.join(folder, 'notes', 'journal-closed')
        if os.path.exists(note):
            self.closed_before = json.loads(read_note(note))['generation']
        for name in sorted(os.listdir(os.path.join(folder, 'journal'))):
            if re.fullmatch(r'[0-9a-f]{32}\.jsonl', name):
                self.read_file(os.path.join(folder, 'journal', name))

    def read_file(self, path):
        with open(path, 'rb') as file:
            lines = file.read().split(b'\n')
        if lines[-1] == b'':
            lines.pop()
        records = [parse_line(line) for line in lines]
        closing = records[-1].get('closed') if records and records[-1] else None
        # The whole lines that the file begins with.
        whole = next((at for at, record in enumerate(records) if record is None), len(records))
        # Lines are flushed before later ones say so. Older lines were flushed before any other was written.
        flushed = max((record.get('flushed', len(lines)) for record in records[whole:] if record), default=0)
        first_torn = closing['lines'] if closing else flushed
        for number, record in enumerate(records):
            if record is None and number < first_torn:
                self.damage.append(f'{path}: line {number + 1} was changed')
            elif record and 'seq' in record:
                self.entries[record['seq']] = record['entry']
        counted = describe_lines(lines, records, closing['lines'] if closing else whole)
        if closing and any(counted[member] != closing[member] for member in ('lines', 'digest')):
            self.damage.append(f'{path}: its lines are not the {closing["lines"]} that it was closed with')
        elif not closing and lines and whole == len(lines) - 1:
            if holds_closing(lines[-1], counted):
                self.damage.append(f'{path}: the line that closes the file was changed')
        written = [record.get('generation', 0) for record in records if record and 'seq' in record]
        if not closing and written and min(written) < self.closed_before:
            self.damage.append(f'{path}: its end is missing: the file was closed before')


def parse_line(line):
    """The object in a line of the journal; None if the line does not match its checksum."""
    return json.loads(line[33:]) if line[:33] == f'{sha256(line[33:]).hex()[:32]} '.encode() else None


def describe_lines(lines, records, number):
    """What a closing line behind the first lines of a file says."""
    counted = lines[:number]
    digest = sha256(b''.join(line + b'\n' for line in counted)).hex()
    types = sorted({str(record['entry'].get('type')) for record in records[:number] if record and 'seq' in record})
    return {'lines': len(counted), 'digest': digest, 'types': types}


def holds_closing(line, closing):
    """Whether a line that does not match its checksum was a closing line, or ends with one."""
    at = line.rfind(b' {"closed":')
    if at > 32 and parse_line(line[at - 32:]) is not None:
        return True
    text = json.dumps({'closed': closing}, separators=(',', ':'), ensure_ascii=False).encode()
    expected = sha256(text).hex()[:32].encode() + b' ' + text
    return not expected.startswith(line) and sum(a == b for a, b in zip(line, expected)) > len(expected) / 2


class People:
    """Accounts, users, keys and what else belongs to no vault."""

    def __init__(self):
        self.settings, self.accounts, self.users, self.keys = {}, {}, {}, {}
        self.retrieval_policies, self.capacity_units = {}, {}

    def apply(self, kind, entry):
        number = entry.get('userNumber')
        if kind == 'setting':
            self.settings[entry['name']] = entry['value']
        elif kind == 'account-created':
            self.accounts.setdefault(entry['account'], {'createdMs': entry['at']})
        elif kind == 'user-created':
            user = {m: entry[m] for m in ('account', 'userName', 'userId')}
            self.users[number] = {**user, 'createdMs': entry['at'], 'policies': {}}
        elif kind == 'user-deleted':
            self.users.pop(number, None)
            self.keys = {one: key for one, key in self.keys.items() if key['userNumber'] != number}
        elif kind == 'user-policy' and number in self.users:
            self.users[number]['policies'].pop(entry['policyName'], None)
            if entry['document'] is not None:
                self.users[number]['policies'][entry['policyName']] = entry['document']
        elif kind == 'access-key':
            key = {m: entry[m] for m in ('account', 'userNumber', 'sealedSecret', 'status', 'origin')}
            self.keys[entry['accessKeyId']] = {**key, 'createdMs': entry['at']}
        elif kind == 'access-key-deleted':
            self.keys.pop(entry['accessKeyId'], None)
        elif kind == 'retrieval-policy':
            policy = {m: entry[m] for m in ('strategy', 'bytes_per_hour')}
            self.retrieval_policies[f'{entry["account"]}/{entry["region"]}'] = policy
        elif kind == 'capacity-unit':
            unit = {m: entry[m] for m in ('account', 'region', 'startMs', 'expiresMs')}
            self.capacity_units.setdefault(entry['id'], unit)


class Blob:
    """A blob with its description, which is verified here. Reading the data verifies the data."""

    def __init__(self, path, name, start, total):
        self.path, self.name, self.start = path, name, start
        with open(path, 'rb') as file:
            file.seek(start + max(0, total - FOOTER.size))
            footer = file.read(min(total, FOOTER.size))
            if len(footer) < FOOTER.size or footer[:8] != b'MORAINE\0':
                raise Damaged(f'{name}: it does not end with a footer')
            _, version, label_bytes, self.size, leaves, cipher, extension, digest = FOOTER.unpack(footer)
            if version not in (1, 3) or cipher != 0:
                raise Damaged(f'{name}: version {version} or cipher {cipher} is not known')
            if (extension != 0) if version == 1 else (extension < EXTENSION_BYTES):
                raise Damaged(f'{name}: an extension of {extension} bytes does not fit version {version}')
            described = 32 * leaves + label_bytes + extension
            if leaves != max(1, -(-self.size // MIB)) or self.size + described + FOOTER.size != total:
                raise Damaged(f'{name}: the footer does not fit the length of the blob')
            file.seek(start + self.size)
            described = file.read(described)
        if sha256(described + footer[:32]) != digest:
            raise Damaged(f'{name}: what describes the data was changed')
        self.leaves = [described[i:i + 32] for i in range(0, 32 * leaves, 32)]
        self.label = json.loads(described[32 * leaves:32 * leaves + label_bytes])
        if fold(self.leaves) != self.label['treeHash']:
            raise Damaged(f'{name}: the leaves do not fold to the tree hash')

    def data(self):
        """Yields the data in pieces of one MiB, each verified first."""
        linear = hashlib.sha256()
        with open(self.path, 'rb') as file:
            file.seek(self.start)
            for number, leaf in enumerate(self.leaves):
                piece = file.read(min(MIB, self.size - number * MIB))
                if sha256(piece) != leaf:
                    raise Damaged(f'{self.name}: the data was changed in MiB {number}')
                linear.update(piece)
                yield piece
        if linear.hexdigest() != self.label['linearHash']:
            raise Damaged(f'{self.name}: the data does not have its linear hash')


class Pack:
    """A file of many small blobs: place and length of each that was not removed."""

    def __init__(self, folder, name):
        self.name, self.path = name, os.path.join(folder, 'packs', f'{name}.pack')
        self.records, self.gaps = [], []
        removed = self.read_removals(os.path.join(folder, 'packs', f'{name}.removed'))
        with open(self.path, 'rb') as file:
            self.size = os.fstat(file.fileno()).st_size
            position = self.end_of_table(file)
            self.is_compacted = position > 0
            gap = position
            first = self.record_at(file, 0)
            while position < self.size:
                record = self.record_at(file, position)
                if record is None or (first is not None and record[0] != position):
                    position += ALIGN
                    continue
                if gap < position and gap not in removed:
                    self.gaps.append(gap)
                place, blob_bytes = record
                if place not in removed:
                    self.records.append((place, position + HEADER.size, blob_bytes))
                position = gap = position + aligned(HEADER.size + blob_bytes)
            if gap < self.size and gap not in removed:
                self.gaps.append(gap)
        self.confirmed = self.read_marker(os.path.join(folder, 'incoming', f'{name}.open'))

    def record_at(self, file, position):
        file.seek(position)
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            return None
        magic, version, _, blob_bytes, place, pack, digest = HEADER.unpack(header)
        if (magic, version, pack.hex()) != (b'MORPACK\0', 1, self.name):
            return None
        return (place, blob_bytes) if sha256(header[:48])[:16] == digest else None

    def end_of_table(self, file):
        head = file.read(TABLE_HEAD.size)
        if len(head) < TABLE_HEAD.size or head[:12] != b'MORTABL\0\1\0\0\0':
            return 0
        entries = TABLE_ENTRY.size * TABLE_HEAD.unpack(head)[2]
        if TABLE_HEAD.size + entries + 32 > self.size:
            return 0
        table = head + file.read(entries)
        return aligned(len(table) + 32) if sha256(table) == file.read(32) else 0

    def read_removals(self, path):
        if not os.path.exists(path):
            return set()
        with open(path, 'rb') as file:
            entries = file.read()
        name = zlib.crc32(bytes.fromhex(self.name))
        whole = len(entries) // REMOVAL.size * REMOVAL.size
        return {place for i, (place, _, crc) in enumerate(REMOVAL.iter_unpack(entries[:whole]))
                if crc == zlib.crc32(entries[16 * i:16 * i + 12], name)}

    def read_marker(self, path):
        """The place up to which the pack is confirmed. Torn bytes beyond it are not damage."""
        if self.is_compacted or not os.path.exists(path):
            return self.size
        with open(path, 'rb') as file:
            text = file.read()
        confirmed = int(text) if re.fullmatch(rb'[0-9]{20}', text) else 0
        return confirmed if confirmed % ALIGN == 0 and confirmed <= self.size else 0

    def blobs(self, damage):
        for place, start, blob_bytes in self.records:
            try:
                blob = Blob(self.path, f'{self.name}.{place}', start, blob_bytes)
                if place >= self.confirmed:
                    # An unconfirmed record may be torn: it counts only if it is whole.
                    for _ in blob.data():
                        pass
                yield blob
            except Damaged as error:
                if place < self.confirmed and start + blob_bytes <= self.size:
                    damage.append(str(error))
        for gap in self.gaps:
            if gap < self.confirmed and gap + HEADER.size <= self.size:
                damage.append(f'{self.path}: there is no whole blob at byte {gap}')


class Store:
    """Rebuilds the catalog: vaults with their archives and open uploads, and where the bytes are."""

    def __init__(self, folder):
        self.folder, self.damage, self.blobs = folder, [], []
        self.vaults, self.deleted, self.parts, self.people = {}, set(), {}, People()
        self.imported, self.numbers, self.kept, self.bulk = {}, {}, {}, []
        self.importing, self.singles = {}, {}
        with open(os.path.join(folder, 'format.json'), encoding='utf-8') as file:
            form = json.load(file)
        if form.get('format') != 'moraine-store' or form.get('version') not in (1, 2, 3):
            raise Unusable(f'{folder} is not a moraine-store of version 1, 2 or 3: {form}')
        journal = Journal(folder)
        self.damage.extend(journal.damage)
        for _, entry in sorted(journal.entries.items()):
            self.apply(entry)
        self.read_lock_notes()
        self.in_parts = {one for _, one, archive in self.each('archives')}
        self.in_parts.update(self.importing[one] for _, one, _ in self.each('uploads') if one in self.importing)
        for blob in self.read_blobs():
            self.place(blob)
        for entry in self.bulk:
            self.delete_in_bulk(entry)
        for _, upload_id, upload in self.each('uploads'):
            candidates = self.parts.get(upload_id, {})
            upload['blobs'] = [candidates[offset][0] for offset in sorted(candidates)]
        for _, archive_id, archive in self.each('archives'):
            if 'uploadId' in archive:
                archive.update(self.imported.get(archive_id, {}))
                archive['blobs'] = assemble(archive, self.parts.get(archive['uploadId'], {}))
            if not archive['blobs']:
                self.damage.append(f'archive {archive_id}: its parts are not all there')

    def each(self, what):
        """All archives or all uploads with their vaults and ids, sorted by vault, then by age."""
        for key in sorted(self.vaults):
            entries = self.vaults[key][what]
            for one in sorted(entries, key=lambda one: (entries[one]['createdMs'], one)):
                yield key, one, entries[one]

    def apply(self, entry):
        key = (entry.get('account'), entry.get('region'), entry.get('vault'))
        kind, vault = entry.get('type'), self.vaults.get(key)
        if kind not in KINDS:
            self.damage.append(f'journal: an entry of type {kind} is not known here, so that what is shown '
                               'may be too much or too little')
        self.people.apply(kind, entry)
        if kind == 'vault-created':
            state = {'tags': {}, 'notifications': None, 'accessPolicy': None, 'lock': None}
            new = {'createdMs': entry['at'], **state, 'archives': {}, 'uploads': {}}
            self.vaults.setdefault(key, new)
        elif kind == 'vault-deleted':
            self.vaults.pop(key, None)
        elif kind == 'archive-deleted':
            self.deleted.add(entry['archiveId'])
            if vault:
                vault['archives'].pop(entry['archiveId'], None)
        elif kind == 'ids-used':
            self.deleted.update(entry['archiveIds'])
            for archive_id in entry['archiveIds'] if vault else ():
                vault['archives'].pop(archive_id, None)
        elif kind == 'archive-imported':
            self.imported[entry['archiveId']] = {m: entry[m] for m in ('createdMs', 'arrivedMs')}
        elif kind == 'archive-numbered':
            self.number(entry['archiveId'], entry['number'])
        elif kind == 'archives-kept':
            self.kept.setdefault(entry['bulkId'], set()).update(entry['archiveIds'])
        elif kind == 'archives-deleted':
            self.bulk.append(entry)
        elif vault and kind == 'vault-tags':
            vault['tags'] = entry['tags']
        elif vault and kind == 'vault-notifications':
            vault['notifications'] = entry['topic'] and {m: entry[m] for m in ('topic', 'events')}
        elif vault and kind == 'vault-access-policy':
            vault['accessPolicy'] = entry['policy']
        elif vault and kind == 'vault-lock':
            vault['lock'] = entry['state'] and {m: entry[m] for m in ('state', 'policy')}
        elif vault and kind == 'upload-started':
            vault['uploads'][entry['uploadId']] = chosen(entry, 'archiveId', 'description', 'partSize')
            if 'importedBy' in entry:
                self.importing[entry['uploadId']] = entry['archiveId']
        elif vault and kind in ('upload-completed', 'upload-ended'):
            vault['uploads'].pop(entry['uploadId'], None)
            if kind == 'upload-completed' and entry['archiveId'] not in self.deleted:
                archive = chosen(entry, 'uploadId', 'description', 'size', 'treeHash')
                vault['archives'][entry['archiveId']] = archive
                self.number(entry['archiveId'], entry.get('number', entry['at'] * PER_MS))

    def number(self, archive_id, number):
        self.numbers[archive_id] = max(number, self.numbers.get(archive_id, 0))

    def delete_in_bulk(self, entry):
        vault = self.vaults.get(tuple(entry[m] for m in ('account', 'region', 'vault')))
        kept = self.kept.get(entry['bulkId'], set())
        if len(kept) < entry['kept']:
            self.damage.append(f'journal: the bulk deletion {entry["bulkId"]} keeps {entry["kept"]} archives, '
                               f'of which {len(kept)} are known: what is shown may be too much')
        elif vault:
            gone = {one for one in vault['archives'] if self.numbers[one] <= entry['upTo']} - kept
            vault['archives'] = {one: archive for one, archive in vault['archives'].items() if one not in gone}

    def read_lock_notes(self):
        """Reads locks. A completed lock is also in a note, and is valid if either says so."""
        folder = os.path.join(self.folder, 'notes')
        for name in sorted(os.listdir(folder)):
            if re.fullmatch(r'lock-[0-9a-f]{64}', name):
                try:
                    note = json.loads(read_note(os.path.join(folder, name)))
                except Damaged as error:
                    self.damage.append(str(error))
                    continue
                vault = self.vaults.get(tuple(note['vault'][m] for m in ('account', 'region', 'name')))
                if vault and vault['createdMs'] <= note['vaultCreatedMs']:
                    vault['lock'] = {'state': 'Locked', 'policy': note['lock']['policy']}

    def read_blobs(self):
        for folder in range(256):
            path = os.path.join(self.folder, 'blobs', f'{folder:02x}')
            for name in sorted(os.listdir(path)):
                if re.fullmatch(r'[0-9a-f]{32}', name):
                    try:
                        blob = os.path.join(path, name)
                        yield Blob(blob, name, 0, os.path.getsize(blob))
                    except Damaged as error:
                        self.damage.append(str(error))
        # Version 1 has none.
        packs = os.path.join(self.folder, 'packs')
        for file in sorted(os.listdir(packs)) if os.path.isdir(packs) else []:
            if re.fullmatch(r'[0-9a-f]{32}\.pack', file):
                yield from Pack(self.folder, file[:32]).blobs(self.damage)

    def place(self, blob):
        label = blob.label
        vault = self.vaults.get((label.get('account'), label.get('region'), label.get('vault')))
        archive_id, upload_id = label.get('archiveId'), label.get('uploadId')
        if label.get('kind') in ('archive', 'part'):
            self.blobs.append(blob)
        if vault and label['kind'] == 'archive' and archive_id not in self.deleted:
            archive = chosen(label, 'description', 'treeHash')
            if 'arrivedMs' in label:
                if not self.is_latest_import(blob, vault):
                    return
                archive['arrivedMs'] = label['arrivedMs']
            vault['archives'][archive_id] = {**archive, 'size': blob.size, 'blobs': [blob]}
            self.number(archive_id, label['sequence'])
        if vault and label['kind'] == 'part':
            completed = vault['archives'].get(archive_id, {}).get('uploadId') == upload_id
            if completed or upload_id in vault['uploads']:
                several = self.parts.setdefault(upload_id, {}).setdefault(label['offset'], [])
                several.append(blob)
                several.sort(key=lambda one: (one.label['sequence'], one.name), reverse=True)

    def is_latest_import(self, blob, vault):
        """Says whether no later archive has the id of this import, and removes an earlier one."""
        archive_id, rank = blob.label['archiveId'], (blob.label['sequence'], blob.name)
        last = self.singles.get(archive_id)
        if archive_id in self.in_parts or last and last[0] > rank:
            return False
        if last:
            last[1]['archives'].pop(archive_id, None)
        self.singles[archive_id] = (rank, vault)
        return True

    def in_use(self):
        """Lists every blob that an archive or an open upload needs."""
        for _, _, entry in itertools.chain(self.each('archives'), self.each('uploads')):
            yield from entry['blobs']

    def prove(self):
        for blob in self.in_use():
            try:
                for _ in blob.data():
                    pass
            except Damaged as error:
                self.damage.append(str(error))

    def extract(self, archive_id, path):
        archive = next((archive for _, one, archive in self.each('archives') if one == archive_id), None)
        if archive is None:
            raise Unusable(f'there is no archive {archive_id}')
        if not archive['blobs']:
            raise Damaged(f'archive {archive_id}: its parts are not all there')
        with open(path, 'xb') as file:
            try:
                for blob in archive['blobs']:
                    file.writelines(blob.data())
            except Damaged:
                os.unlink(path)
                raise


def chosen(entry, *members):
    """Picks these members of an entry or label, and gives the time one name."""
    return {'createdMs': entry['createdMs' if 'kind' in entry else 'at'], **{m: entry[m] for m in members}}


def assemble(archive, candidates):
    """Finds the parts of the archive: nearly always those with the greatest sequences."""
    offsets = sorted(offset for offset in candidates if offset < archive['size'])
    combinations = itertools.product(*(candidates[offset] for offset in offsets))
    for parts in itertools.islice(combinations, COMBINATIONS_TRIED):
        ends = [0, *itertools.accumulate(part.size for part in parts)]
        if [*offsets, archive['size']] == ends:
            if fold([bytes.fromhex(part.label['treeHash']) for part in parts]) == archive['treeHash']:
                return list(parts)
    return []


def print_archives(store):
    for vault, one, archive in store.each('archives'):
        size, root, description = (archive[m] for m in ('size', 'treeHash', 'description'))
        print('/'.join(vault), one, size, root, json.dumps(description), sep='\t')


def counted(number, noun):
    """`1 vault`, `2 vaults`."""
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'


def print_json(store):
    def shown(blob):
        return {'name': blob.name, 'offset': blob.label['offset'], 'size': blob.size}
    members = ('account', 'region', 'vault')
    vaults = [{**dict(zip(members, key)), **store.vaults[key]} for key in sorted(store.vaults)]
    print(json.dumps(vaults, indent=2, default=shown))


def print_people(people):
    members = {'settings': people.settings, 'accounts': people.accounts, 'users': people.users,
               'accessKeys': people.keys, 'retrievalPolicies': people.retrieval_policies,
               'capacityUnits': people.capacity_units}
    print(json.dumps(members, indent=2))


def main():
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument('store', metavar='STORE', help='the folder store/ of a data folder')
    parser.add_argument('--extract', nargs=2, metavar=('ARCHIVE_ID', 'FILE'), help='write one to a new file')
    parser.add_argument('--json', action='store_true', help='print vaults and uploads in progress, too')
    parser.add_argument('--people', action='store_true', help='print accounts, users and sealed keys instead')
    parser.add_argument('--quick', action='store_true', help='read only what describes the data')
    options = parser.parse_args()
    store = Store(options.store)
    if options.extract:
        store.extract(*options.extract)
        return 0
    if not options.quick:
        store.prove()
    if options.people:
        print_people(store.people)
    else:
        (print_json if options.json else print_archives)(store)
    archives, uploads = (sum(1 for _ in store.each(what)) for what in ('archives', 'uploads'))
    unnamed = len(store.blobs) - sum(1 for _ in store.in_use())
    sys.stderr.write(f'{counted(len(store.vaults), "vault")}, {counted(archives, "archive")}, '
                     f'{counted(uploads, "upload")} in progress, {counted(unnamed, "blob")} that nothing names, '
                     f'{len(store.damage)} damaged\n')
    for damage in store.damage:
        sys.stderr.write(f'damaged: {damage}\n')
    return 1 if store.damage else 0


if __name__ == '__main__':
    try:
        sys.exit(main())
    except Damaged as error:
        sys.stderr.write(f'damaged: {error}\n')
        sys.exit(1)
    except (Unusable, OSError) as error:
        sys.stderr.write(f'{error}\n')
        sys.exit(2)
