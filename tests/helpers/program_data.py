"""Cells over numpy arrays, their views, and pandas frames."""

from __future__ import annotations

from helpers.program_writer import Writer


class Data(Writer):
    """Moves over memory that several objects show."""

    def move_array(self) -> str:
        size = self._one_of("5", "40", "9_000")
        make = self._one_of(
            "np.arange({0})", "np.zeros(({0}, 2))", "np.ones({0})[::-1]", "np.arange({0} * 6).reshape(2, {0}, 3)",
            "np.zeros(({0}, 2), order='F')", "np.zeros({0}, [('x', 'f8'), ('y', 'i2', 3)])",
            "np.arange({0}, dtype='M8[D]')",
            "np.full({0}, 'ab')", "np.arange({0}) > 3", "np.arange({0}) * 1j", "np.ma.masked_less(np.arange({0}), 3)",
            "np.empty(0)", "np.array(3.5)", "np.frombuffer(bytearray(8 * {0}))", "np.arange({0}, dtype='>i4')",
            "np.random.default_rng(3).random({0})",
        )  # fmt: skip
        return f"{self._new('array')} = {make.format(size)}"

    def move_view(self) -> str | None:
        name = self._pick("array")
        cut = self._one_of(
            "[1:4]", "[::2]", ".T", "[:]", "[..., 0]", "[None]", ".reshape(-1)", ".ravel()", ".view('u1')", "['x']",
            ".real",
            "[::-1]", ".view()", ".swapaxes(0, -1)", ".squeeze()", "[1:][1:]", ".view(np.ndarray)", "[...]", ".flat",
        )  # fmt: skip
        return f"{self._new('array')} = {name}{cut}" if name else None

    def move_view_by_function(self) -> str | None:
        name = self._pick("array")
        how = self._one_of(
            "np.broadcast_to({0}, (2, *{0}.shape))", "np.lib.stride_tricks.sliding_window_view({0}, 2)",
            "np.asarray({0})",
            "np.split({0}, [1])", "memoryview(np.arange(5))", "np.atleast_2d({0})", "np.frombuffer({0}, 'u1')",
            "np.nditer({0})",
        )  # fmt: skip
        return f"{self._fresh('other')} = {how.format(name)}" if name else None

    def move_array_over_bytes(self) -> str | None:
        name = self._pick("bytes", "memory")
        return f"{self._new('array')} = np.frombuffer({name}, 'u1')" if name else None

    def move_write_array(self) -> str | None:
        name = self._pick("array")
        how = self._one_of(
            "{0}[0] = {1}", "{0}[-1] = {1}", "{0}[...] = {1}", "{0}[:2] = {1}", "{0} += 1", "np.add({0}, 1, out={0})",
            "{0}.sort()", "{0}.T[0] = {1}", "{0}.fill({1})", "{0}['x'] = {1}", "{0}.flat[1] = {1}",
            "{0}[np.arange(len({0})) % 3 == 0] = {1}", "{0}.flags.writeable = False", "{0}.shape = -1",
            "np.random.default_rng(1).shuffle({0})",
        )  # fmt: skip
        return how.format(name, self._int()) if name else None

    def move_object_array(self) -> str | None:
        name = self._pick("list", "dict", "object")
        return (
            f"{self._new('objects')} = np.array([{name}, None, 'x', {self._value(0)}, ()], dtype=object)[:4]"
            if name
            else None
        )

    def move_objects(self) -> str | None:
        name = self._pick("objects")
        how = self._one_of(
            "{0}[1] = {1}", "{0}[0] = [{1}]", "{2} = {0}[1:]", "{2} = {0}[::-1]", "{2} = {0}.reshape(2, 2).T",
            "{2} = {0}[0]", "{2} = np.array(list('abcdefgh') * 1200, dtype=object)", "{0}[2].append({1})",
        )  # fmt: skip
        return how.format(name, self._value(), self._fresh("other")) if name else None

    def move_random(self) -> str:
        name = self._pick("generator")
        if name is None or self.random.random() < 0.3:
            return f"{self._new('generator')} = np.random.default_rng({self._int()})"
        return f"{self._new('array')} = {name}.random(3)"

    def move_frame(self) -> str:
        size = self._one_of("3", "9_000")
        columns = self._one_of(
            "'a': np.arange({0}), 'b': np.arange({0}) * 0.5, 's': [str(i % 7) for i in range({0})]",
            "'a': np.arange({0}), 'b': np.ones({0}), 'o': [[i] if i < 3 else None for i in range({0})]",
            "'a': pd.Categorical(list('xyx') * ({0} // 3)), 'b': pd.date_range('2026', periods={0})",
            "'a': pd.array([1, None, 3] * ({0} // 3), dtype='Int64'), 'b': pd.Series([True, False, True] * ({0} // 3))",
        ).format(size)  # fmt: skip
        return f"{self._new('frame')} = pd.DataFrame({{{columns}}})"

    def move_frame_of(self) -> str | None:
        array, values = self._pick("array"), self._pick("list", "dict", "object")
        name = self._new("frame")
        how = self._one_of(
            f"pd.DataFrame({array})" if array else "pd.DataFrame()",
            f"pd.DataFrame({{'a': [1, 2], 'b': [{values}, 'x']}})" if values else "pd.DataFrame(index=[1])",
            "pd.DataFrame([[1, 2.5], [3, 4]], index=pd.MultiIndex.from_tuples([(1, 1), (2, 2)]), columns=list('ab'))",
        )  # fmt: skip
        return f"{name} = {how}"

    def move_frame_column(self) -> str | None:
        name = self._pick("frame")
        column = self._one_of("c", "d", "a")
        how = self._one_of(self._int(), f"{name}.b * 2", repr("w"), f"{name}['a'].to_numpy()", f"[[]] * len({name})")
        return f"{name}['{column}'] = {how}" if name else None

    def move_frame_write(self) -> str | None:
        name = self._pick("frame")
        how = self._one_of(
            "{0}.loc[{0}.index[0], 'b'] = {1}", "{0}.iloc[0, 0] = {1}",
            "{0}.insert(0, 'first' + str(len({0}.columns)), {1})",
            "del {0}['c']", "{0}.drop(columns='b', inplace=True)", "{0}.sort_values('a', inplace=True)",
            "{0}.columns = [c.upper() for c in {0}.columns]", "{0}.index = range(len({0}))", "{0}.attrs['note'] = {2}",
            "{0}.attrs.setdefault('list', []).append({1})", "{0}.at[{0}.index[0], 'o'].append({1})", "{0} += 1",
            "{0}.set_index('a', inplace=True)", "{0}.iloc[:, 0] = {0}.iloc[::-1, 0].to_numpy()", "{0}.pop('a')",
        )  # fmt: skip
        return how.format(name, self._int(), self._value(0)) if name else None

    def move_frame_part(self) -> str | None:
        name = self._pick("frame")
        part = self._one_of(
            "[{0}.b >= 0]", ".head(2)", "[['a', 'b']]", ".copy()", "['a']", ".iloc[:2]", ".index", ".columns", ".T",
            ".values",
            "['a'].to_numpy()", "['b'].values", ".groupby('a')", ".iloc[0]", ".set_axis([1, 2], axis=1)",
            ".copy(deep=False)",
            "['a'].iloc[1:]", ".rename(columns=str.upper)", ".dtypes", "['a'].rolling(2)", ".loc", "['o']",
        )  # fmt: skip
        return f"{self._new('part')} = {name}{part.format(name)}" if name else None

    def move_part_write(self) -> str | None:
        name = self._pick("part")
        how = self._one_of("{0}.iloc[0] = {1}", "{0}[0] = {1}", "{0} += 1", "{0}.attrs['x'] = [{1}]")
        return how.format(name, self._int()) if name else None
