"""Cells over containers, names and results: aliasing, nesting, deletes, rebinding, errors in mid-cell."""

from __future__ import annotations

from helpers.program_writer import Writer

_TRY = "try:\n    {}\nexcept (BufferError, IndexError, KeyError, TypeError, ValueError) as problem:\n    {} = problem"


class Containers(Writer):
    """Moves that need nothing but the standard library's containers."""

    def move_set(self) -> str:
        return f"{self._new('set')} = {{{self._int()}, 'a', ({self._int()}, 'b'), frozenset({{1, {self._int()}}})}}"

    def move_nest(self) -> str:
        value = self._nest(3)
        return f"{self._new('other')} = {value}"

    def move_collection(self) -> str:
        make = self._one_of(
            "collections.deque([%s], 5)", "collections.OrderedDict(a=%s)", "collections.Counter(a=1)",
            "collections.defaultdict(list, a=%s)", "collections.UserList([%s])", "collections.UserDict(a=%s)",
            "types.MappingProxyType({'a': %s})", "array.array('i', [1, 2])", "io.StringIO('text')",
            "ValueError('x', %s)",
            "graphlib.TopologicalSorter({1: [2]})", "queue.SimpleQueue()", "threading.Lock()", "random.Random(5)",
        )  # fmt: skip
        value = self._value()
        return f"{self._new('other')} = {make % value if '%s' in make else make}"

    def move_change_list(self) -> str | None:
        name = self._pick("list")
        how = self._one_of(
            "{0}[:1] = [{1}]", "{0}.insert(0, {1})", "{0} += [{1}]", "{0}.reverse()", "del {0}[:1]", "{0}.clear()",
            "{0}[:] = {0}[:6]", "{0}.extend([{1}, {1}])", "if {0}: {0}[-1] = {1}",
        )  # fmt: skip
        return how.format(name, self._value()) if name else None

    def move_copy(self) -> str | None:
        name = self._pick("list", "dict", "object", "set", "frame", "key")
        how = self._one_of("copy.copy({})", "copy.copy({})", "copy.deepcopy({})")
        # No deep copy of what may hold a generator: after a restore its placeholder can be copied.
        if name and self.kinds[name] in ("list", "dict", "object"):
            how = "copy.copy({})"
        copied = self._fresh("other")
        return (
            f"{copied} = None\ntry:\n    {copied} = {how.format(name)}\nexcept TypeError:\n    pass" if name else None
        )

    def move_put(self) -> str | None:
        name = self._pick("dict")
        return f"{name}[{self._one_of('0', repr('k'), repr('z'), '(1, 2)')}] = {self._value()}" if name else None

    def move_change_dict(self) -> str | None:
        name, other = self._pick("dict"), self._pick("dict")
        how = self._one_of(
            "{0}.pop('k', None)", "del {0}['k']", "{0}.setdefault('list', []).append({1})", "{0}.update({2})",
            "{0} |= {{'new': {1}}}", "for key in list({0})[:2]:\n    del {0}[key]", "{0}['self'] = {0}",
            "{0}['items'] = list({2}.values())[:4]",
        )  # fmt: skip
        return how.format(name, self._value(), other) if name else None

    def move_add(self) -> str | None:
        name = self._pick("set")
        value = self._one_of(self._int(), f"'{self._int()}'", f"({self._int()}, None)")
        how = self._one_of("{0}.add({1})", "{0}.discard({1})", "{0} |= {{{1}}}", "{0} -= {{1, 'a'}}")
        return how.format(name, value) if name else None

    def move_alias(self) -> str | None:
        name = self._pick()
        return f"{self._fresh(self.kinds[name])} = {name}" if name else None

    def move_delete(self) -> str | None:
        name = self._pick()
        if name is None or len(self.kinds) < 6:
            return None
        del self.kinds[name]
        return self._one_of(f"del {name}", f"del {name}", f"globals().pop('{name}')")

    def move_cycle(self) -> str | None:
        one, other = self._pick("list"), self._pick("dict", "object")
        if not one or not other:
            return None
        back = f"{other}['up'] = {one}" if self.kinds[other] == "dict" else f"{other}.v = {one}"
        return f"{one}.append({other}); {back}"

    def move_comprehension(self) -> str | None:
        name = self._pick("list", "set")
        how = self._one_of("[(x, [x]) for x in {0}][:5]", "[last := x for x in {0}][:3]")
        return f"{self._fresh('other')} = {how.format(name)}" if name and self.kinds[name] == "list" else None

    def move_iterator(self) -> str | None:
        name = self._pick("list")
        how = self._one_of(
            "iter({})", "enumerate({})", "reversed([1, 2, 3])", "zip({0}, 'abcdef')", "itertools.chain({0}, 'z')"
        )
        return f"{self._new('iterator')} = {how.format(name)}" if name else None

    def move_next(self) -> str | None:
        name = self._pick("iterator")
        return f"{self._new('other')} = next({name}, None)" if name else None

    def move_generator(self) -> str:
        make = self._one_of("(x for x in [1, 2])", "[(x for x in 'ab'), [3]]", "{'gen': (i for i in range(3))}")
        return f"{self._fresh('lost')} = {make}"

    def move_bytes(self) -> str:
        return f"{self._new('bytes')} = bytearray(b'{self._int()}')"

    def move_memory(self) -> str | None:
        name = self._pick("bytes")
        cut = self._one_of("", "[1:]", "[::2]", "[::-1]", ".toreadonly()")
        return f"{self._new('memory')} = memoryview({name}){cut}" if name else None

    def move_write_bytes(self) -> str | None:
        name = self._pick("bytes", "memory")
        problem = self._fresh("other") if name else ""
        how = self._one_of(f"{name}[0] = 65", f"{name}.extend(b'more')")
        return f"{problem} = None\n" + _TRY.format(how, problem) if name else None

    def move_show(self) -> str | None:
        return self._pick("list", "dict", "object", "array", "frame", "function", "class", "scalar")

    def move_shown(self) -> str:
        return self._one_of(
            "for shown in list(Out.values()):\n    if isinstance(shown, list):\n        shown.append('shown')",
            f"{self._fresh('other')} = _",
            f"{self._fresh('other')} = [__, ___, list(Out)[-2:]]",
            "if isinstance(_, (list, dict)): _.clear()",
            "_ = ['mine']",
            "del _",
            "Out.pop(min(Out, default=0), None)",
        )

    def move_dynamic(self) -> str | None:
        name = self._pick("list")
        how = self._one_of(
            "exec('{0}.append(1)')", "globals()['{0}'] = [globals().get('{0}')]", "vars()['{0}'] = [{0}]",
            "setattr(sys.modules['__main__'], '{0}', [{0}])", "eval('{0}').append([2])",
            "for value in list(globals().values()):\n    if type(value) is list:\n        value.append('found')",
        )  # fmt: skip
        return how.format(name) if name else None

    def move_registry(self) -> str | None:
        name = self._pick("list", "dict")
        how = self._one_of(
            "gc.get_referents([{0}])[0].{1}", "registry.setdefault('all', []).append({0})", "registry['all'][0].{1}",
            "[part for part in registry.get('all', ()) if type(part) is list][0].append('reg')",
        )  # fmt: skip
        change = "append('x')" if name and self.kinds[name] == "list" else "update(x=1)"
        return how.format(name, change) if name else None

    def move_fail(self) -> str | None:
        name = self._pick("list")
        kept = self._fresh("other")
        return self._one_of(
            f"{kept} = [2]; {name or kept}.append('before the error'); 1 / 0",
            f"try:\n    [].pop()\nexcept IndexError as problem:\n    {kept} = problem\n{kept}.note = {self._value()}",
            f"{kept} = [1]\nraise KeyError({kept})",
        )

    def move_with(self) -> str | None:
        name = self._pick("list")
        return (
            f"with contextlib.suppress(ZeroDivisionError), io.StringIO() as {self._fresh('other')}:\n"
            f"    {name}.append('inside')\n    1 / 0"
            if name
            else None
        )
