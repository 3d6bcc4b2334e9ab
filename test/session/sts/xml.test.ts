import { describe, expect, it } from 'vitest';
import { childOf, parseXml, textOf } from '../../../src/session/sts/xml.js';

describe('parseXml', () => {
  it('reads elements, attributes, entities and empty elements', () => {
    const text = `<A xmlns="urn:x" b='y'><B>1 &lt;&#38;&#x1F600; </B><C/><D></D></A>`;
    const root = parseXml(`\uFEFF<?xml version='1.0'?>\n${text}\n`);
    expect(root?.name).toBe('A');
    expect(textOf(root, 'B')).toBe('1 <&\u{1F600}');
    expect(childOf(root, 'C')).toEqual({ name: 'C', text: '', children: [] });
    expect(textOf(root, 'D')).toBeUndefined();
  });

  it('treats a member that occurs twice as missing', () => {
    const root = parseXml('<A><B>1</B><B>2</B></A>');
    expect(childOf(root, 'B')).toBeUndefined();
    expect(textOf(root, 'B')).toBeUndefined();
  });

  it.each([
    ['nothing', ''],
    ['text', 'no XML'],
    ['JSON', '{"a": "<b>"}'],
    ['a page', '<!DOCTYPE html><html><body><p>Sign in</body></html>'],
    ['a document type with an entity', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>'],
    ['an entity that is not declared', '<a>&x;</a>'],
    ['an entity of the prototype', '<a>&constructor;</a>'],
    ['a bare ampersand', '<a>b & c</a>'],
    ['a character beyond Unicode', '<a>&#x110000;</a>'],
    ['the character 0', '<a>&#0;</a>'],
    ['a comment', '<a><!-- b --></a>'],
    ['CDATA', '<a><![CDATA[b]]></a>'],
    ['a processing instruction', '<a><?b c?></a>'],
    ['two roots', '<a/><b/>'],
    ['text after the root', '<a/>b'],
    ['an end without a start', '</a>'],
    ['an end of another element', '<a><b></a></b>'],
    ['a cut answer', '<a><b>1</b>'],
    ['a cut tag', '<a><b'],
    ['an attribute without quotes', '<a b=c/>'],
    ['a depth of thousands', '<a>'.repeat(5000) + '</a>'.repeat(5000)],
  ])('refuses %s', (_name, text) => {
    expect(parseXml(text)).toBeUndefined();
  });
});
