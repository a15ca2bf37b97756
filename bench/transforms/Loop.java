import java.io.BufferedInputStream;
import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.FileReader;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.zip.CRC32;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.common.record.TimestampType;
import org.apache.kafka.common.utils.Time;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.runtime.ConnectMetrics;
import org.apache.kafka.connect.runtime.ConnectorConfig;
import org.apache.kafka.connect.runtime.TransformationChain;
import org.apache.kafka.connect.runtime.errors.ErrorHandlingMetrics;
import org.apache.kafka.connect.runtime.errors.ProcessingContext;
import org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator;
import org.apache.kafka.connect.runtime.errors.ToleranceType;
import org.apache.kafka.connect.runtime.isolation.Plugins;
import org.apache.kafka.connect.runtime.standalone.StandaloneConfig;
import org.apache.kafka.connect.sink.SinkRecord;
import org.apache.kafka.connect.storage.Converter;
import org.apache.kafka.connect.storage.HeaderConverter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.util.ConnectorTaskId;

/**
 * Records through Kafka Connect's converters and its TransformationChain and back to bytes, in a loop.
 * Arguments: the connector's properties, the file of records, how many to warm up with, to measure, and how often.
 * Prints the checksum of what one pass leaves, then a line for each measurement: CPU seconds, seconds.
 */
public class Loop {
    private static final String TOPIC = "bench";

    private final Converter key;
    private final Converter value;
    private final HeaderConverter header = new SimpleHeaderConverter();
    private final TransformationChain<ConsumerRecord<byte[], byte[]>, SinkRecord> chain;
    private final RecordHeaders given = new RecordHeaders();
    private final int skipped;
    private long left;
    private long sum;

    private Loop(Map<String, String> config) throws Exception {
        Map<String, String> worker = Map.of(
            "bootstrap.servers", "127.0.0.1:9", "offset.storage.file.filename", "unused",
            "key.converter", config.get("key.converter"), "value.converter", config.get("value.converter"));
        Plugins plugins = new Plugins(worker);
        ConnectorTaskId id = new ConnectorTaskId("bench", 0);
        ConnectMetrics metrics = new ConnectMetrics("bench", new StandaloneConfig(worker), Time.SYSTEM, "bench");
        RetryWithToleranceOperator<ConsumerRecord<byte[], byte[]>> operator = new RetryWithToleranceOperator<>(
            0, 0, ToleranceType.NONE, Time.SYSTEM, new ErrorHandlingMetrics(id, metrics));
        chain = new TransformationChain<>(
            new ConnectorConfig(plugins, config).<SinkRecord>transformationStages(plugins, id, metrics), operator);
        key = converter(config, "key.converter");
        value = converter(config, "value.converter");
        skipped = Integer.parseInt(config.getOrDefault("bench.skipped", "0"));
        for (Map.Entry<String, String> each : config.entrySet()) {
            if (each.getKey().startsWith("bench.header.")) {
                given.add(each.getKey().substring("bench.header.".length()), each.getValue().getBytes("UTF-8"));
            }
        }
    }

    private static Converter converter(Map<String, String> config, String prefix) throws Exception {
        Map<String, String> own = new HashMap<>();
        for (Map.Entry<String, String> each : config.entrySet()) {
            if (each.getKey().startsWith(prefix + ".")) {
                own.put(each.getKey().substring(prefix.length() + 1), each.getValue());
            }
        }
        Converter made = (Converter) Class.forName(config.get(prefix)).getDeclaredConstructor().newInstance();
        made.configure(own, prefix.startsWith("key"));
        return made;
    }

    private void pass(byte[] raw, long offset, long timestamp, boolean summed) {
        SchemaAndValue keys = key.toConnectData(TOPIC, given, null);
        SchemaAndValue values = value.toConnectData(TOPIC, given, raw);
        ConnectHeaders headers = new ConnectHeaders();
        for (org.apache.kafka.common.header.Header each : given) {
            headers.add(each.key(), header.toConnectHeader(TOPIC, each.key(), each.value()));
        }
        ConsumerRecord<byte[], byte[]> consumed = new ConsumerRecord<>(TOPIC, 0, offset, null, raw);
        SinkRecord record = chain.apply(new ProcessingContext<>(consumed), new SinkRecord(
            TOPIC, 0, keys.schema(), keys.value(), values.schema(), values.value(), offset, timestamp,
            TimestampType.CREATE_TIME, headers));
        if (record == null) {
            return;
        }
        RecordHeaders written = new RecordHeaders();
        for (Header each : record.headers()) {
            written.add(each.key(), header.fromConnectHeader(record.topic(), each.key(), each.schema(), each.value()));
        }
        byte[] newKey = key.fromConnectData(record.topic(), written, record.keySchema(), record.key());
        byte[] newValue = value.fromConnectData(record.topic(), written, record.valueSchema(), record.value());
        left++;
        if (summed) {
            add(record.topic(), newKey, newValue, written);
        }
    }

    private void add(String topic, byte[] newKey, byte[] newValue, RecordHeaders written) {
        CRC32 crc = new CRC32();
        crc.update(topic.getBytes());
        for (byte[] part : new byte[][] {newKey, newValue}) {
            if (part != null) {
                crc.update(part, skipped, part.length - skipped);
            }
        }
        for (org.apache.kafka.common.header.Header each : written) {
            crc.update(each.key().getBytes());
            if (each.value() != null) {
                crc.update(each.value());
            }
        }
        sum += crc.getValue();
    }

    private void pass(List<byte[]> records, long count, long first, boolean summed) {
        int size = records.size();
        for (long index = 0; index < count; index++) {
            int place = (int) (index % size);
            pass(records.get(place), place, first + place, summed);
        }
    }

    private static List<byte[]> read(String file) throws Exception {
        List<byte[]> records = new ArrayList<>();
        try (DataInputStream input = new DataInputStream(new BufferedInputStream(new FileInputStream(file), 1 << 20))) {
            int count = input.readInt();
            for (int index = 0; index < count; index++) {
                int length = input.readInt();
                byte[] record = length < 0 ? null : new byte[length];
                if (record != null) {
                    input.readFully(record);
                }
                records.add(record);
            }
        }
        return records;
    }

    private static double cpu() {
        return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
            .getProcessCpuTime() / 1e9;
    }

    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        try (FileReader reader = new FileReader(arguments[0])) {
            properties.load(reader);
        }
        Map<String, String> config = new HashMap<>();
        properties.stringPropertyNames().forEach(name -> config.put(name, properties.getProperty(name)));
        Loop loop = new Loop(config);
        List<byte[]> records = read(arguments[1]);
        long first = Long.parseLong(config.get("bench.timestamp"));
        loop.pass(records, records.size(), first, true);
        System.out.println(loop.left + " " + loop.sum);
        loop.pass(records, Long.parseLong(arguments[2]), first, false);
        for (int run = 0; run < Integer.parseInt(arguments[4]); run++) {
            double used = cpu();
            long began = System.nanoTime();
            loop.pass(records, Long.parseLong(arguments[3]), first, false);
            System.out.println((cpu() - used) + " " + (System.nanoTime() - began) / 1e9);
        }
        System.exit(0);
    }
}
